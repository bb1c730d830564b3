//! What holds for every row of the table of detectors.

use crate::identify::testing::{Random, Talk};
use crate::identify::{DETECTORS, Over};

#[test]
fn ids_are_unique_sorted_and_lower_case() {
    for pair in DETECTORS.windows(2) {
        assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
    }
    for row in DETECTORS.iter() {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(!row.id.is_empty() && row.id.bytes().all(plain), "{}", row.id);
    }
}

#[test]
fn rows_say_what_they_rest_on() {
    for row in DETECTORS.iter() {
        for text in [row.title, row.reference, row.rests_on, row.blind_spots] {
            assert!(text.len() > 2 && text.trim() == text, "{}: {text:?}", row.id);
        }
        assert!(row.rests_on.ends_with('.') && row.blind_spots.ends_with('.'), "{}", row.id);
    }
}

/// The budget: how many of random flows will be named, at the most.
#[test]
fn random_flows_are_hardly_ever_named() {
    let sum: f64 = DETECTORS.iter().map(|row| (-f64::from(row.bits)).exp2()).sum();
    println!("sum of 2^-bits over {} detectors: {sum:.3e}", DETECTORS.len());
    assert!(sum < 1e-4, "{sum}");
}

#[test]
fn no_detector_names_random_bytes() {
    let mut random = Random::new(3243);
    let mut named = Vec::new();
    for nth in 0..20_000 {
        let over = if nth % 2 == 0 { Over::Udp } else { Over::Tcp };
        let mut talk = if over == Over::Udp { Talk::udp() } else { Talk::tcp() };
        if random.coin() {
            talk = talk.midway();
        }
        for _ in 0..random.between(1, 8) {
            let longest = if random.coin() { 1400 } else { 40 };
            let len = random.between(1, longest);
            let bytes = random.bytes(len);
            talk = if random.coin() { talk.a(bytes) } else { talk.b(bytes) };
        }
        for row in DETECTORS.iter() {
            if row.asks.over == over || row.asks.over == Over::Both {
                named.extend(talk.matched_by(row).map(|found| (nth, found.fact)));
            }
        }
    }
    println!("random views named: {} of 20000", named.len());
    assert!(named.is_empty(), "{named:?}");
}
