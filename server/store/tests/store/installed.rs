use serde_json::Map;
use skillyard_store::{
    SealError,
    events::{EventKind, NewEvent},
    installed::{InstalledError, InstalledSkills},
    trust_store::SealWith,
};

use crate::common::{Home, mock_credentials, no_credentials, over};

#[test]
fn which_secret_seals_what_is_installed_does_not_change_from_session_to_session() {
    let home = Home::new();
    let (mock, credentials) = mock_credentials();
    let skills = |credentials| InstalledSkills::new(&home.path("skills"), &home.seals(), credentials).unwrap();
    let event = || vec![NewEvent { kind: EventKind::Audit, payload: Map::new() }];
    skills(Some(credentials)).note(event(), 1).unwrap();

    // Where the system's credential store cannot be reached, nothing is taken for changed, and nothing is sealed anew
    // unless a person says so.
    for outside in [Some(no_credentials()), None] {
        let skills = skills(outside);
        let error = skills.read().unwrap_err();
        let InstalledError::SealFails { error: SealError::Credentials { .. }, found, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(error.to_string().contains(&format!("--accept {found} --seal secret-file`")), "{error}");
        assert!(skills.accept(*found, SealWith::Same).is_err());
    }
    // Back on the desktop nothing has happened.
    skills(Some(over(mock.clone()))).read().unwrap();

    let InstalledError::SealFails { found, .. } = skills(None).read().unwrap_err() else { panic!() };
    skills(None).accept(found, SealWith::SecretFile).unwrap();
    skills(None).read().unwrap();
    skills(Some(over(mock))).read().unwrap();
}
