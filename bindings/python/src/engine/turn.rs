//! A turn of the engine's, as the event loop asks for it.

use pyo3::prelude::*;

use super::events::Told;
use super::{Core, Engine};
use crate::connection::Connection;

impl Engine {
    /// Takes and hands on what has happened, if `begin` finds that there is a turn to take.
    pub(super) fn turn(
        slf: &Bound<'_, Self>,
        begin: impl FnOnce(&mut Core) -> bool,
    ) -> PyResult<()> {
        let begun = {
            let mut core = slf.get().core();
            if core.draining {
                return Ok(());
            }
            core.draining = begin(&mut core);
            core.draining
        };
        let result = if begun { Self::hand_on(slf) } else { Ok(()) };
        let change = slf.get().core().review_apart();
        match change {
            None => result,
            Some(change) => result.and(change.tell(slf)),
        }
    }

    /// Hands on the events of a turn.
    fn hand_on(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut result = Ok(());
        let mut keep = |outcome: PyResult<()>| {
            if let Err(error) = outcome {
                result = Err(error);
            }
        };
        // A connection's first message of a turn resumes its task at once; what else was read with it is taken in one
        // go afterwards, since each resumption costs more than a message.
        let mut first: Option<Py<Connection>> = None;
        let mut pending = false;
        loop {
            let told = {
                let mut core = slf.get().core();
                let told = core.next(py);
                core.draining = told.is_some();
                told
            };
            let again = match (&told, &first) {
                (Some(Told::Wake(connection)), Some(first)) => connection.is(first),
                _ => false,
            };
            if again {
                pending = true;
                continue;
            }
            if std::mem::take(&mut pending)
                && let Some(connection) = &first
            {
                keep(Connection::resume(connection.bind(py)));
            }
            let Some(told) = told else {
                break;
            };
            if let Told::Wake(connection) = &told {
                first = Some(connection.clone_ref(py));
            }
            keep(told.dispatch(py));
        }
        result
    }
}
