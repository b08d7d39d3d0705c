//! The one kind of tool that a daemon 0.1.0 runs: a core module whose entry export takes nothing and gives a number.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skillyard_artifact::module::HOST_CAPABILITIES;
use wasmtime::{Caller, Linker, Module};

use super::ending::{Base, Guest, Step, failed, finished, unstarted};
use super::{Session, drive};
use crate::call::{Call, Decision, Finished, Given, Outcome, Outside};

/// The numbers by which a plugin knows what it is given: the n-th grant, in sorted order, is the base and n.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Handles {
    /// From 10000 on.
    pub http: Vec<i32>,
    /// From 20000 on.
    pub secret: Vec<i32>,
    /// From 30000 on.
    pub storage: Vec<i32>,
    /// From 40000 on.
    pub channel: Vec<i32>,
}

/// A family of grants: what its functions are called, and the number of its first handle.
struct Family {
    count: &'static str,
    handle: &'static str,
    base: i32,
    names: fn(&Given) -> &Vec<String>,
    /// What the policy gives it by; of channels it is not asked.
    action: Option<&'static str>,
}

impl Family {
    /// What a plugin has handles of.
    fn given(&self, given: &Given) -> Vec<String> {
        if self.withheld(given).is_some() { Vec::new() } else { grants((self.names)(given)) }
    }

    /// Why it has none, where the policy withholds them.
    fn withheld(&self, given: &Given) -> Option<String> {
        let is_withheld = |action: &&str| given.withheld.iter().any(|withheld| withheld == action);
        // Nothing is withheld of what the manifest does not ask for.
        let action = self.action.filter(is_withheld).filter(|_| !(self.names)(given).is_empty())?;
        Some(format!("the policy does not give {action} for this call"))
    }
}

const FAMILIES: [Family; 4] = [
    Family {
        count: "http-count",
        handle: "http-handle",
        base: 10_000,
        names: |given| &given.http_hosts,
        action: Some("skill.capability.http.egress"),
    },
    Family {
        count: "secret-count",
        handle: "secret-handle",
        base: 20_000,
        names: |given| &given.secret_keys,
        action: Some("skill.capability.vault.read"),
    },
    Family {
        count: "storage-count",
        handle: "storage-handle",
        base: 30_000,
        names: |given| &given.storage_prefixes,
        action: Some("skill.capability.filesystem.write"),
    },
    Family {
        count: "channel-count",
        handle: "channel-handle",
        base: 40_000,
        names: |given| &given.channels,
        action: None,
    },
];

/// The handles of what a plugin is given.
#[must_use]
pub fn handles(given: &Given) -> Handles {
    let [http, secret, storage, channel] = FAMILIES.map(|family| {
        let names = family.given(given);
        (0..).map(|place| family.base + place).take(names.len()).collect()
    });
    Handles { http, secret, storage, channel }
}

/// Grants as a daemon keeps them: trimmed, none of them empty, sorted, each once.
fn grants(names: &[String]) -> Vec<String> {
    let mut kept: Vec<String> =
        names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    kept.sort();
    kept.dedup();
    kept
}

struct Plugin {
    base: Base,
}

impl Guest for Plugin {
    fn base(&mut self) -> &mut Base {
        &mut self.base
    }

    fn base_ref(&self) -> &Base {
        &self.base
    }
}

pub(super) fn run(session: &Session, module: &Module, call: &Call, outside: Arc<dyn Outside>) -> Finished {
    let mut store = match session.store(call, Plugin { base: Base::new(call, outside) }) {
        Ok(store) => store,
        Err(error) => return unstarted(call, Outcome::WorkerDied, error.to_string()),
    };
    let mut linker = Linker::new(&session.engine);
    let linked = provide(&mut linker, &call.given).and_then(|()| linker.instantiate_pre(module));
    let instance = match linked {
        Ok(linked) => linked,
        Err(error) => return failed(&store, call, Step::Link, &error),
    };
    let instance = match drive(session, instance.instantiate_async(&mut store)) {
        Ok(instance) => instance,
        Err(error) => return failed(&store, call, Step::Instantiate, &error),
    };
    let Ok(entry) = instance.get_typed_func::<(), i32>(&mut store, &call.entry) else {
        return Finished {
            error: Some(format!(
                "it exports no function `{}` of type () -> i32; export one, or name another in \
                 `operator.plugin.default_entrypoint`",
                call.entry
            )),
            daemon_outcome: Some("MissingExport".to_owned()),
            ..finished(&store, call, Outcome::MissingExport)
        };
    };
    match drive(session, entry.call_async(&mut store, ())) {
        Ok(code) => Finished {
            exit_code: Some(code),
            output: Some(serde_json::json!({ "exit_code": code }).to_string()),
            daemon_outcome: (!store.data().base.limiter.stricter).then(|| "ok".to_owned()),
            ..finished(&store, call, Outcome::Ok)
        },
        Err(error) => failed(&store, call, Step::Run, &error),
    }
}

/// The functions that a daemon gives.
fn provide(linker: &mut Linker<Plugin>, given: &Given) -> wasmtime::Result<()> {
    for family in FAMILIES {
        let (names, withheld) = (family.given(given), family.withheld(given));
        let seen = withheld.clone().map_or(Decision::Allowed, Decision::Denied);
        let count = i32::try_from(names.len()).unwrap_or(i32::MAX);
        linker.func_wrap(HOST_CAPABILITIES, family.count, move |mut caller: Caller<'_, Plugin>| -> i32 {
            let base = &mut caller.data_mut().base;
            base.end(family.count, format!("→ {count}"), seen.clone(), base.at_ms());
            count
        })?;
        linker.func_wrap(
            HOST_CAPABILITIES,
            family.handle,
            move |mut caller: Caller<'_, Plugin>, place: i32| -> i32 {
                let name = usize::try_from(place).ok().and_then(|place| names.get(place));
                let base = &mut caller.data_mut().base;
                let (arguments, decision, handle) = match name {
                    Some(name) => (format!("{place}: {name}"), Decision::Allowed, family.base + place),
                    None => {
                        let granted = || format!("the manifest grants {count} of these, numbered from 0");
                        let why = withheld.clone().unwrap_or_else(granted);
                        (place.to_string(), Decision::Denied(why), -1)
                    }
                };
                base.end(family.handle, arguments, decision, base.at_ms());
                handle
            },
        )?;
    }
    Ok(())
}
