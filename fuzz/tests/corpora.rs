//! What the fuzzers found worth keeping, run again; and random changes to it, the same in each run.

use std::path::Path;

use ropeway_fuzz::{TARGETS, Target};

/// A corpus, in the order of its files' names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpora")
        .join(name);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).expect("can be read"))
        .collect()
}

fn replay(name: &str) {
    let target: Target = TARGETS
        .iter()
        .find_map(|&(known, target)| (known == name).then_some(target))
        .expect("a target");
    let corpus = corpus(name);
    assert!(corpus.len() >= 5, "{} files", corpus.len());
    corpus.iter().for_each(|bytes| target(bytes));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..1000 {
        let mut bytes = corpus[random.below(corpus.len())].clone();
        let other = &corpus[random.below(corpus.len())];
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() + 1);
            match random.below(4) {
                0 => bytes.insert(at, random.below(256) as u8),
                1 => bytes.truncate(at),
                2 => bytes.extend_from_slice(&other[random.below(other.len() + 1)..]),
                _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
                _ => {}
            }
        }
        target(&bytes);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}
targets!(
    abi,
    client,
    differential,
    extension,
    header,
    inflate,
    payload,
    proxy,
    request,
    response,
    round_trip,
    server,
    url
);
