//! The store of sessions, as a place sees it: calls take their time, and fail.

use std::rc::Rc;

use serde_json::{Map, Value};
use tokenkeep::{
    port::Fault,
    session::port::{KeyValue, ListedKey, MIN_TTL_SECONDS, Page, Write},
};

use crate::{
    Place,
    conditions::Flaw,
    kv::Entry,
    trouble::{Store, unreadable},
};

impl KeyValue for Place {
    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        assert!(keys.len() <= 100, "more keys than KV reads at once");
        let keys: Rc<[String]> = keys.iter().copied().map(str::to_owned).collect();
        let trouble = self.cloud().meet(Store::Kv, "read", Rc::clone(&keys));
        let odds = &self.cloud().conditions.reads;
        self.takes(odds).await;
        let rubbish = |values: Vec<_>| Ok(values.iter().map(|_| Some("rubbish".into())).collect());
        let read = move |place: &Self| Ok(keys.iter().map(|key| place.look_up(key)).collect());
        self.ends(trouble, odds, read, rubbish).await
    }

    async fn write(&self, write: &Write) -> Result<(), Fault> {
        assert!(write.key.len() <= 512, "a longer key than KV takes");
        let ttls = MIN_TTL_SECONDS..=u64::from(u32::MAX);
        let fits = write.ttl_seconds.is_none_or(|ttl| ttls.contains(&ttl));
        assert!(fits, "a TTL that KV refuses");
        let metadata: Option<Rc<str>> = write.metadata.as_deref().map(Into::into);
        assert!(
            metadata.as_ref().is_none_or(|it| it.len() <= 1_024),
            "more than KV takes"
        );
        let flaw = self.cloud().conditions.flaw;
        let Some(value) = flawed(flaw, write) else {
            return KeyValue::delete(self, &write.key).await;
        };
        let ttl_ms = write.ttl_seconds.map(|seconds| seconds * 1_000);
        let entry = move |now| {
            Some(Entry {
                value,
                metadata,
                expires_at: ttl_ms.map_or(u64::MAX, |ttl_ms| now + ttl_ms),
            })
        };
        self.change("write", &write.key, entry).await
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, Fault> {
        assert!(limit <= 1_000, "more keys than KV lists at once");
        let operation = if from.is_some() {
            "list more sessions"
        } else {
            "list sessions"
        };
        let (prefix, from) = (prefix.to_owned(), from.map(str::to_owned));
        let page = move |place: &Self| Ok(place.page(&prefix, from.as_deref(), limit));
        self.call(Store::Kv, operation, page, unreadable).await
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.change("delete", key, |_| None).await
    }
}

/// What a worker with this flaw writes; nothing where it deletes.
fn flawed(flaw: Option<Flaw>, write: &Write) -> Option<Rc<str>> {
    let of = |kinds: [&str; 2]| kinds.iter().any(|kind| write.key.starts_with(kind));
    let is_tombstone = of(["session:", "service:"]) && write.value.contains("\"revoked_at\"");
    let left_out: &[&str] = match flaw {
        Some(Flaw::DeletesEndedSessions) if is_tombstone => return None,
        Some(Flaw::OldSessionKept) => &["keep_until"],
        Some(Flaw::NoGrace) => &["keep", "keep_until"],
        _ => &[],
    };
    if left_out.is_empty() || !of(["revoked:", "service-revoked:"]) {
        return Some(write.value.as_str().into());
    }
    let mut cut_off: Map<String, Value> = serde_json::from_str(&write.value).expect("JSON");
    cut_off.retain(|field, _| !left_out.contains(&field.as_str()));
    Some(Value::from(cut_off).to_string().into())
}

impl Place {
    /// A write, or a delete. `entry` is what stands there when the store has accepted it.
    async fn change(
        &self,
        operation: &'static str,
        key: &str,
        entry: impl FnOnce(u64) -> Option<Entry> + 'static,
    ) -> Result<(), Fault> {
        let trouble = self
            .cloud()
            .meet(Store::Kv, operation, [key.to_owned()].into());
        let conditions = &self.cloud().conditions;
        self.takes(&conditions.writes).await;
        let now = self.cloud().now();
        if !self
            .cloud()
            .kv
            .borrow()
            .is_free(key, now, conditions.between_writes_ms)
        {
            return Err(Fault::Throttled);
        }
        let key = key.to_owned();
        let accept = move |place: &Self| {
            place.accept(&key, entry);
            Ok(())
        };
        self.ends(trouble, &conditions.writes, accept, unreadable)
            .await
    }

    /// For how long a copy that is made now will be used.
    fn age(&self) -> u64 {
        let lag = self.cloud().conditions.lag_ms;
        if self.in_a_thousand(500) {
            lag
        } else {
            self.roll((0, lag))
        }
    }

    fn look_up(&self, key: &str) -> Option<String> {
        let flaw = self.cloud().conditions.flaw;
        if key == "tokenkeep:born" && flaw == Some(Flaw::BirthMarkIgnored) {
            return Some(r#"{"v":1,"at":0}"#.into());
        }
        let now = self.cloud().now();
        let age = self.age();
        self.cloud()
            .kv
            .borrow_mut()
            .read(self.number(), key, now, age)
    }

    fn accept(&self, key: &str, entry: impl FnOnce(u64) -> Option<Entry>) {
        let cloud = self.cloud();
        let now = cloud.now();
        let lands_at = now + self.roll((0, cloud.conditions.landing_ms));
        let own_age = cloud.conditions.own_writes_at_once.then(|| self.age());
        let mut kv = cloud.kv.borrow_mut();
        kv.accept(self.number(), key, entry(now), now, lands_at, own_age);
    }

    fn page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Page {
        let cloud = self.cloud();
        let alive = |name: String| {
            let entry = cloud.entry(&name)?;
            let metadata = entry.metadata.map(|metadata| metadata.to_string());
            (entry.expires_at > cloud.now()).then_some(ListedKey { name, metadata })
        };
        let names = cloud.keys(prefix).into_iter();
        let mut keys = names
            .filter(|name| from.is_none_or(|from| name.as_str() > from))
            .filter_map(alive);
        let page: Vec<ListedKey> = keys.by_ref().take(limit as usize).collect();
        let last = keys.next().and_then(|_| page.last());
        let next = last.map(|key| key.name.clone());
        Page { keys: page, next }
    }
}
