//! Too many sessions of one account: which of them end.

use crate::token::time::UnixMillis;

/// Takes away which of these sessions are to end, so that no more than so many stay: those that
/// were seen longest ago.
///
/// Not the oldest. An app that logs in at every start makes hundreds of sessions that are used
/// once; the oldest session among them may be a tablet that is used every day.
#[must_use]
pub fn surplus<T>(alive: &mut Vec<(UnixMillis, T)>, most: usize) -> Vec<T> {
    let mut ending = Vec::new();
    while alive.len() > most {
        let longest_ago = (0..alive.len()).min_by_key(|index| alive[*index].0);
        ending.push(alive.swap_remove(longest_ago.unwrap_or_default()).1);
    }
    ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_seen_longest_ago_go_and_only_as_many_as_have_to() {
        let alive = [(3, 'c'), (1, 'a'), (4, 'd'), (2, 'b')];
        let mut alive: Vec<_> = alive.map(|(at, name)| (UnixMillis(at), name)).into();
        assert!(surplus(&mut alive, 4).is_empty());
        assert_eq!(surplus(&mut alive, 2), ['a', 'b']);
        alive.sort();
        assert_eq!(alive, [(UnixMillis(3), 'c'), (UnixMillis(4), 'd')]);
        assert_eq!(surplus(&mut alive, 0), ['c', 'd']);
    }
}
