//! Every check over its seeds, and over inputs made from them: on any Rust, without libFuzzer.

use std::{fs, path::Path};

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use tokenkeep_fuzzing::{TARGETS, Target};

/// Inputs made from seeds, for each target.
const MADE: u32 = 400;

fn seeds((name, _): Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let files = fs::read_dir(folder.join(name)).expect("a folder of seeds");
    let read = |file: std::io::Result<fs::DirEntry>| fs::read(file.expect("a file").path());
    let mut seeds: Vec<_> = files.map(|file| read(file).expect("a seed")).collect();
    seeds.sort();
    seeds
}

#[test]
fn every_seed_passes() {
    for target in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() >= 3, "{} has {} seeds", target.0, seeds.len());
        for seed in &seeds {
            target.1(seed);
        }
        println!("{}: {} seeds", target.0, seeds.len());
    }
}

/// A change of an input, somewhere in it.
#[derive(Debug, Clone)]
enum Edit {
    Put(u8),
    Insert(Vec<u8>),
    Cut(usize),
    Repeat(usize),
    /// What follows is taken from another seed.
    Cross(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let telling = [
        "\0",
        "\n",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "$",
        ".",
        "=",
        "-1",
        "1e400",
        "18446744073709551615",
        "\u{feff}",
        "null",
        "\u{130}",
    ];
    prop_oneof![
        any::<u8>().prop_map(Edit::Put),
        vec(any::<u8>(), 1..4).prop_map(Edit::Insert),
        proptest::sample::select(telling.to_vec()).prop_map(|text| Edit::Insert(text.into())),
        (1_usize..16).prop_map(Edit::Cut),
        (1_usize..64).prop_map(Edit::Repeat),
        any::<Index>().prop_map(Edit::Cross),
    ]
}

fn edited(mut input: Vec<u8>, edits: &[(Index, Edit)], seeds: &[Vec<u8>]) -> Vec<u8> {
    for (at, edit) in edits {
        let at = at.index(input.len() + 1);
        match edit {
            Edit::Put(byte) => {
                if let Some(place) = input.get_mut(at) {
                    *place = *byte;
                }
            }
            Edit::Insert(bytes) => drop(input.splice(at..at, bytes.clone())),
            Edit::Cut(length) => drop(input.drain(at..input.len().min(at + length))),
            Edit::Repeat(times) => {
                let end = input.len().min(at + 8);
                let repeated = input[at..end].repeat(*times);
                drop(input.splice(at..at, repeated));
            }
            Edit::Cross(other) => {
                let other = &seeds[other.index(seeds.len())];
                input.truncate(at);
                input.extend(&other[at.min(other.len())..]);
            }
        }
    }
    input
}

#[test]
fn inputs_made_from_the_seeds_pass() {
    for target in TARGETS {
        let seeds = seeds(target);
        let config = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(MADE)
        };
        let inputs = (any::<Index>(), vec((any::<Index>(), edit()), 1..6));
        let run = TestRunner::new(config).run(&inputs, |(seed, edits)| {
            let input = edited(seeds[seed.index(seeds.len())].clone(), &edits, &seeds);
            target.1(&input);
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{}: {failure}", target.0));
    }
}
