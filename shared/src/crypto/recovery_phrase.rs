//! Recovery phrases: an account's seed as 13 words (`recovery-phrase.md`).
//!
//! Nothing here, errors included, repeats a word of a phrase. Words are compared where they stand, so that no copies of
//! them are left in memory.

use std::sync::LazyLock;

use zeroize::{Zeroize, Zeroizing};

const LIST: &str = include_str!("recovery_words.txt");

/// As many words as the list has.
const N: u32 = 1626;

/// Words that carry the seed; one more checks them.
const CARRYING: usize = 12;

/// More than the longest words make.
const LONGEST: usize = 13 * 16;

static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines.filter(|line| !line.is_empty()).collect()
});

/// Why a text is no recovery phrase. Words are named by their place only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhrase {
    /// Another number of words.
    #[error("a recovery phrase has 13 words, and this has {0}")]
    Count(usize),
    /// No word of the list begins like the word at this place, counted from 1.
    #[error("word {0} is not one of those that recovery phrases are made of")]
    Unknown(usize),
    /// The three words from this place on, counted from 1, cannot stand together.
    #[error("words {0} to {last} do not belong together; one of them is wrong", last = .0 + 2)]
    Group(usize),
    /// The last word does not fit the others.
    #[error("the last word does not fit the others; one of the 13 is wrong, or they are in another order")]
    Checksum,
}

/// Writes an account's seed as a phrase.
#[must_use]
pub fn encode(seed: &[u8; 16]) -> Zeroizing<String> {
    let mut numbers = Zeroizing::new([0; CARRYING]);
    for (group, bytes) in numbers.chunks_exact_mut(3).zip(seed.as_chunks::<4>().0) {
        group.copy_from_slice(&split(u32::from_le_bytes(*bytes)));
    }
    let mut phrase = Zeroizing::new(String::with_capacity(LONGEST));
    for number in numbers.iter().chain([&check(&numbers)]) {
        if !phrase.is_empty() {
            phrase.push(' ');
        }
        phrase.push_str(word(*number));
    }
    phrase
}

/// Reads the seed of an account from its phrase: words in any case with white space between them, of which only the first
/// three letters count.
///
/// # Errors
///
/// [`InvalidPhrase`]. Of single wrong words the check finds eleven in twelve.
pub fn decode(phrase: &str) -> Result<Zeroizing<[u8; 16]>, InvalidPhrase> {
    let count = phrase.split_whitespace().count();
    if count != CARRYING + 1 {
        return Err(InvalidPhrase::Count(count));
    }
    let mut words = phrase.split_whitespace().zip(1..);
    let mut numbers = Zeroizing::new([0; CARRYING]);
    for (number, (word, place)) in numbers.iter_mut().zip(&mut words) {
        *number = find(word).ok_or(InvalidPhrase::Unknown(place))?;
    }
    let mut seed = Zeroizing::new([0; 16]);
    let groups = numbers.as_chunks::<3>().0.iter().zip(seed.as_chunks_mut::<4>().0);
    for ((group, bytes), place) in groups.zip((1..).step_by(3)) {
        let mut value = join(*group).ok_or(InvalidPhrase::Group(place))?;
        *bytes = value.to_le_bytes();
        value.zeroize();
    }
    let last = words.next().and_then(|(word, _)| find(word));
    match last {
        None => Err(InvalidPhrase::Unknown(CARRYING + 1)),
        Some(last) if last != check(&numbers) => Err(InvalidPhrase::Checksum),
        Some(_) => Ok(seed),
    }
}

/// Three words for a number.
const fn split(x: u32) -> [u32; 3] {
    let first = x % N;
    let second = (x / N + first) % N;
    let third = (x / N / N + second) % N;
    [first, second, third]
}

/// The number of three words; `None` if no number is written so.
fn join([first, second, third]: [u32; 3]) -> Option<u32> {
    let digit = |word: u32, before: u32| u64::from((word + N - before) % N);
    let n = u64::from(N);
    let x = u64::from(first) + n * digit(second, first) + n * n * digit(third, second);
    u32::try_from(x).ok().filter(|x| x % N == first)
}

/// The word that comes last: one of the others.
fn check(numbers: &[u32; CARRYING]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for number in numbers {
        hasher.update(beginning(word(*number)).unwrap_or_default().as_bytes());
    }
    let place = hasher.finalize() as usize % CARRYING;
    numbers.get(place).copied().unwrap_or_default()
}

fn word(number: u32) -> &'static str {
    WORDS.get(number as usize).copied().unwrap_or_default()
}

/// The number of the word that begins with the same three letters.
fn find(given: &str) -> Option<u32> {
    let given = beginning(given)?;
    let same = |word: &&str| beginning(word).is_some_and(|known| known.eq_ignore_ascii_case(given));
    let place = WORDS.iter().position(same)?;
    u32::try_from(place).ok()
}

fn beginning(word: &str) -> Option<&str> {
    word.get(..3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_list_is_the_one_whose_words_differ_in_their_first_three_letters() {
        assert_eq!(WORDS.len(), N as usize);
        assert_eq!(WORDS[..3], ["abbey", "abducts", "ability"]);
        assert_eq!(WORDS[1623..], ["zombie", "zones", "zoom"]);
        let beginnings: std::collections::HashSet<_> = WORDS.iter().map(|word| beginning(word).unwrap()).collect();
        assert_eq!(beginnings.len(), WORDS.len());
    }

    #[test]
    fn three_words_that_stand_for_no_number_are_refused() {
        // 1626 in the power of 3 is more than 2 in the power of 32: the last number that fits is ffffffff, three words
        // of which are foamy, solved, soggy; the word after soggy makes it too large.
        let group = |words: [&str; 3]| words.map(|word| find(word).unwrap());
        assert_eq!(join(group(["foamy", "solved", "soggy"])), Some(u32::MAX));
        let [first, second, third] = group(["foamy", "solved", "soggy"]);
        assert_eq!(join([first, second, third + 1]), None);
    }

    proptest! {
        #[test]
        fn every_seed_is_read_back(seed: [u8; 16]) {
            prop_assert_eq!(*decode(&encode(&seed)).unwrap(), seed);
        }

        #[test]
        fn a_wrong_last_word_is_refused(seed: [u8; 16], other in 0..N) {
            let phrase = encode(&seed);
            let (rest, last) = phrase.rsplit_once(' ').unwrap();
            prop_assume!(word(other) != last);
            let wrong = format!("{rest} {}", word(other));
            prop_assert_eq!(decode(&wrong), Err(InvalidPhrase::Checksum));
        }

        #[test]
        fn a_wrong_word_never_gives_the_same_account(seed: [u8; 16], place in 0..12_usize, other in 0..N) {
            let phrase = encode(&seed);
            let mut words: Vec<&str> = phrase.split(' ').collect();
            prop_assume!(words[place] != word(other));
            words[place] = word(other);
            if let Ok(read) = decode(&words.join(" ")) {
                prop_assert_ne!(*read, seed);
            }
        }

        #[test]
        fn a_word_of_no_list_is_refused_at_its_place(seed: [u8; 16], place in 0..13_usize, word in "[a-z]{0,2}|q[a-tv-z][a-z]{1,5}|[äöü]{1,4}") {
            prop_assume!(!word.is_empty());
            let phrase = encode(&seed);
            let mut words: Vec<&str> = phrase.split(' ').collect();
            words[place] = &word;
            prop_assert_eq!(decode(&words.join(" ")), Err(InvalidPhrase::Unknown(place + 1)));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text: String) {
            let _ = decode(&text);
        }
    }
}
