use super::*;

/// Made by `x/crypto/bcrypt`.
const OF_GO: [(&str, &str); 5] = [
    ("", "$2a$04$K0c2rYLM2DTO9bR2rokCp.8ilIc.2PU15ztnc11btc5Bp9UQLDVZe"),
    ("password", "$2a$04$.Xw3HgzjUf1ZAtykZ3kti.ff.wSTeD23Via2TBUuBXC11fUQxRACi"),
    ("Pa$$w0rd-é", "$2a$04$sIWuRoySJD73epBg.gyzxOihqv/4s0T1oUera4AFbmuiahWMW7Ntq"),
    ("a\0b", "$2a$04$EBSnbmke.wfFnoZ5R32UoO.Ej/rUdheQJivYKFj3ix45edAwohcFm"),
    (
        "123456789012345678901234567890123456789012345678901234567890123456789012",
        "$2a$04$Wc/J0AGAyqN8iCmY/Ukk8efWhS3ezNrioqkM/GYXwZgN4cqu785MS",
    ),
];

#[test]
fn hashes_of_go_are_verified_and_made_again() {
    for (password, made) in OF_GO {
        assert_eq!(verify(password.as_bytes(), made), Ok(true), "{password:?}");
        for other in ["$2b$", "$2y$", "$2$"] {
            assert_eq!(verify(password.as_bytes(), &made.replace("$2a$", other)), Ok(true), "{other}");
        }
        let wrong =
            password.replacen(['p', '1', 'a', 'P'], "x", 1) + if password.is_empty() { "x" } else { "" };
        assert_eq!(verify(wrong.as_bytes(), made), Ok(false), "{wrong:?}");
        let (cost, salt, _) = parts(made).unwrap();
        assert_eq!(hash(password.as_bytes(), cost, salt).unwrap(), made, "{password:?}");
    }
}

#[test]
fn what_is_no_hash_is_an_error() {
    let good = OF_GO[1].1;
    for text in [
        "",
        "password",
        "$2a$04$",
        "$2x$04$.Xw3HgzjUf1ZAtykZ3kti.ff.wSTeD23Via2TBUuBXC11fUQxRACi",
        "$2a$4$.Xw3HgzjUf1ZAtykZ3kti.ff.wSTeD23Via2TBUuBXC11fUQxRACi",
        good.strip_suffix('i').unwrap(),
        &format!("{good}i"),
        &format!("{good}\n"),
        "$2a$04$.Xw3HgzjUf1ZAtykZ3kti.ff.wSTeD23Via2TBUuBXC11fUQxRA=i",
        "$2a$04$ééééééééééééééééééééééééééé",
    ] {
        assert_eq!(verify(b"password", text), Err(BcryptError::NoHash), "{text:?}");
    }
}

#[test]
fn costs_and_lengths_are_bounded() {
    for cost in [0, 3, 17, 31] {
        assert_eq!(hash(b"x", cost, [0; 16]), Err(BcryptError::Cost(cost)));
    }
    let dear = OF_GO[1].1.replace("$04$", "$31$");
    assert_eq!(verify(b"password", &dear), Err(BcryptError::Cost(31)));
    assert_eq!([cost_of(OF_GO[1].1), cost_of(&dear), cost_of("x")], [Some(4), None, None]);
    assert_eq!(hash(&[b'x'; 73], 4, [0; 16]), Err(BcryptError::PasswordTooLong(73)));
    assert_eq!(verify(&[b'x'; 1 << 20], OF_GO[1].1), Err(BcryptError::PasswordTooLong(1 << 20)));
}
