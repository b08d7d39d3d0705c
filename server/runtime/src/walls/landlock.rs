//! The file system without all but the given folders; TCP, signals and abstract sockets where the kernel has it.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

use super::{Wall, WallError, WallName};
use crate::call::Folder;

/// From the strictest.
const VERSIONS: [ABI; 10] = [ABI::V10, ABI::V9, ABI::V8, ABI::V7, ABI::V6, ABI::V5, ABI::V4, ABI::V3, ABI::V2, ABI::V1];

/// A rule set that handles everything that this kernel knows, and allows nothing of it.
fn strictest() -> Result<(ABI, RulesetCreated), RulesetError> {
    let mut last = None;
    for abi in VERSIONS {
        match ruleset(abi) {
            Ok(ruleset) => return Ok((abi, ruleset)),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error),
        None => ruleset(ABI::V1).map(|ruleset| (ABI::V1, ruleset)),
    }
}

fn ruleset(abi: ABI) -> Result<RulesetCreated, RulesetError> {
    let mut ruleset =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::from_all(abi))?;
    let (net, scope) = (AccessNet::from_all(abi), Scope::from_all(abi));
    if !net.is_empty() {
        ruleset = ruleset.handle_access(net)?;
    }
    if !scope.is_empty() {
        ruleset = ruleset.scope(scope)?;
    }
    ruleset.create()
}

/// Nothing is run from a given folder, nobody makes a device, a pipe or a socket in it.
fn rights(abi: ABI, writable: bool) -> BitFlags<AccessFs> {
    let all = if writable { AccessFs::from_all(abi) } else { AccessFs::from_read(abi) };
    let never = AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeFifo | AccessFs::MakeSock;
    let never = if AccessFs::from_all(abi).contains(AccessFs::IoctlDev) { never | AccessFs::IoctlDev } else { never };
    all & !never
}

fn detail(abi: ABI) -> String {
    let all = AccessFs::from_all(abi);
    let with = |there: bool, words: &'static str| if there { words } else { "" };
    [
        "only the given folders",
        with(!AccessNet::from_all(abi).is_empty(), ", no TCP"),
        with(!Scope::from_all(abi).is_empty(), ", no signals, no abstract sockets"),
        with(!all.contains(AccessFs::Refer), "; nothing moves between folders"),
        with(!all.contains(AccessFs::Truncate), "; this old kernel lets a file that is only read be emptied"),
    ]
    .concat()
}

/// Leaves this thread, and those that it starts, with `folders`.
pub(super) fn restrict(folders: &[Folder]) -> Result<Wall, WallError> {
    let failed = |why: &dyn std::fmt::Display| WallError { wall: WallName::Landlock, why: why.to_string() };
    let (abi, mut ruleset) = match strictest() {
        Ok(strictest) => strictest,
        Err(error) => return Ok(missing(&error)),
    };
    for folder in folders {
        // The very folder that the guest is given, not one of the same name.
        let opened = folder.opened().map_err(|error| failed(&error))?;
        let rule = PathBeneath::new(opened, rights(abi, folder.writable));
        ruleset = ruleset.add_rule(rule).map_err(|error| failed(&error))?;
    }
    let status = ruleset.restrict_self().map_err(|error| failed(&error))?;
    if status.ruleset != RulesetStatus::FullyEnforced {
        return Err(failed(&format!("{:?}", status.ruleset)));
    }
    Ok(WallName::Landlock.stands(detail(abi)))
}

fn missing(error: &RulesetError) -> Wall {
    WallName::Landlock.missing(format!("this kernel does not have it, or it is switched off ({error})"))
}

/// Whether [`restrict`] would work.
pub(super) fn probe() -> Wall {
    match strictest() {
        Ok((abi, _)) => WallName::Landlock.stands(detail(abi)),
        Err(error) => missing(&error),
    }
}
