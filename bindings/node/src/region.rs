//! The memory that the engine reads into, as a Buffer of JavaScript's: a larger message is a view of the place where it was
//! received. The engine reads on behind it, and into other memory when this one is used up.

use std::ops::Range;
use std::ptr;

use napi::{Result, check_status, sys};
use ropeway_core::engine::Engine;

use crate::pool::{self, Loan, Pool};

/// Bytes that are kept in one block. With it the batch ends as well: its messages are answered while they are in the cache.
const KEPT: usize = 256 << 10;

/// The memory, and what JavaScript has of it.
pub(crate) struct Region {
    env: sys::napi_env,
    pool: Pool<Vec<u8>>,
    /// The Buffer, which the reference keeps while the engine reads into its memory.
    lent: Option<(sys::napi_ref, Loan<Vec<u8>>)>,
    /// JavaScript does not know the Buffer yet.
    is_fresh: bool,
    /// The runtime allows no Buffers on other memory than its own (Electron).
    is_refused: bool,
}

impl Region {
    pub(crate) fn new(env: sys::napi_env) -> Self {
        Self {
            env,
            pool: Pool::new(),
            lent: None,
            is_fresh: false,
            is_refused: false,
        }
    }

    /// Begins a batch: with other memory when there is no room behind what is kept. Views of the old memory stay what they
    /// are.
    pub(crate) fn begin(&mut self, engine: &mut Engine) -> Result<()> {
        if !engine.memory_is_full() {
            return Ok(());
        }
        let size = KEPT + engine.read_size();
        let pooled = self.pool.take().filter(|memory| memory.len() >= size);
        let memory = engine.replace_memory(pooled.unwrap_or_else(|| vec![0; size]));
        let Some((reference, loan)) = self.lent.take() else {
            return Ok(());
        };
        loan.settle(memory);
        // SAFETY: made by `lend`, and deleted once; on the environment's thread.
        check_status!(unsafe { sys::napi_delete_reference(self.env, reference) })
    }

    /// Keeps the message that was told last where it was read. Its place in the Buffer, unless it stands elsewhere. To be
    /// called within the handle scope that the batch is handed on in.
    pub(crate) fn keep(&mut self, engine: &mut Engine) -> Result<Option<Range<usize>>> {
        if self.is_refused {
            return Ok(None);
        }
        let Some(range) = engine.keep_in_place() else {
            return Ok(None);
        };
        if self.lent.is_none() {
            self.lend(engine.memory())?;
        }
        Ok((!self.is_refused).then_some(range))
    }

    fn lend(&mut self, memory: &mut [u8]) -> Result<()> {
        let Some((buffer, loan)) = self.pool.lend(self.env, memory)? else {
            self.is_refused = true;
            return Ok(());
        };
        let mut reference = ptr::null_mut();
        // SAFETY: called on the environment's thread within a handle scope.
        check_status!(unsafe {
            sys::napi_create_reference(self.env, buffer, 1, &raw mut reference)
        })?;
        self.lent = Some((reference, loan));
        self.is_fresh = true;
        Ok(())
    }

    /// The Buffer, if JavaScript does not know it yet. To be called within a handle scope.
    pub(crate) fn introduce(&mut self) -> Result<Option<sys::napi_value>> {
        match &self.lent {
            Some((reference, _)) if std::mem::replace(&mut self.is_fresh, false) => {
                pool::referred(self.env, *reference).map(Some)
            }
            _ => Ok(None),
        }
    }
}
