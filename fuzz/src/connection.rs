//! A connection under arbitrary calls and bytes, as client and as server. Beside it stand a twin, which gets the same
//! bytes in other portions, and behind each a witness, an end without limits that reads what was sent.

mod end;
mod op;
mod witness;

use arbitrary::{Arbitrary, Unstructured};
use ropeway_core::Role;

use end::End;
use op::{Op, Setting};

/// The end that dials, under any calls.
pub fn client(data: &[u8]) {
    run(Role::Client, data);
}

/// The end that listens, under any calls.
pub fn server(data: &[u8]) {
    run(Role::Server, data);
}

fn run(role: Role, data: &[u8]) {
    let mut source = Unstructured::new(data);
    let Ok(setting) = Setting::arbitrary(&mut source) else {
        return;
    };
    let mut end = End::new(role, &setting);
    // A bound on memory is passed at another byte when other portions come.
    let mut twin = (!setting.tight).then(|| End::new(role, &setting));
    for _ in 0..200 {
        if source.is_empty() {
            break;
        }
        let Ok(op) = Op::arbitrary(&mut source) else {
            break;
        };
        end.apply(&op, &[]);
        if let Some(twin) = &mut twin {
            twin.apply(&op, &setting.sizes);
            assert_eq!(end.verdict(), twin.verdict(), "after {op:?}");
        }
    }
    end.finish();
    if let Some(twin) = twin {
        twin.finish();
    }
}
