//! Memory of the application's own, into which the rest of a large message is received at once: a binding's bytes object,
//! say, that would otherwise be filled from a copy.

use std::any::Any;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;

/// Receives into all of the memory that it is given, or less; what it has written.
pub type Receive<'r> =
    dyn for<'m> FnMut(&'m mut [MaybeUninit<u8>]) -> io::Result<&'m mut [u8]> + 'r;

/// Memory for one message.
pub trait Room: Any + fmt::Debug + Send {
    /// Fills it: a copy of `before`, which fits, then what `receive` writes into all that is left. How much that was.
    ///
    /// # Errors
    /// Those of `receive`.
    fn fill(&mut self, before: &[u8], receive: &mut Receive<'_>) -> io::Result<usize>;

    /// What it has been filled with.
    fn bytes(&self) -> &[u8];

    /// The same, to be unmasked.
    fn bytes_mut(&mut self) -> &mut [u8];
}

/// Makes memory for a message of so many bytes; `None` leaves the message to the engine.
pub type MakeRoom = dyn FnMut(usize) -> Option<Box<dyn Room>> + Send;

/// Where memory comes from, and that of the message that is lent.
#[derive(Default)]
pub(super) struct Rooms {
    pub(super) make: Option<Box<MakeRoom>>,
    pub(super) lent: Option<Box<dyn Room>>,
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("lent", &self.lent)
            .finish_non_exhaustive()
    }
}
