//! Tokens of a provider, good and forged, with keys made here.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://issuer.example.com/realm";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// One key of each kind, the public part as a set of keys has it.
struct Signer {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    p521: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);

fn point(id: &str, curve: &str, pair: &EcdsaKeyPair) -> Value {
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    json!({"kty": "EC", "kid": id, "use": "sig", "crv": curve, "x": b64(x), "y": b64(y)})
}

impl Signer {
    fn new() -> Self {
        let curve = |how| EcdsaKeyPair::generate(how).unwrap();
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            p256: curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            p521: curve(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            ed: Ed25519KeyPair::generate().unwrap(),
        }
    }

    fn set(&self) -> Value {
        // PKCS #1: nine bytes, the modulus of 256, and 65537 in the last five.
        let public = self.rsa.public_key().as_ref();
        assert_eq!((public.len(), &public[265..]), (270, &[2, 3, 1, 0, 1][..]));
        let (n, e) = (b64(&public[9..265]), b64([1, 0, 1]));
        json!({"keys": [
            {"kty": "RSA", "kid": "enc", "use": "enc", "n": n, "e": e},
            {"kty": "RSA", "kid": "r", "use": "sig", "n": n, "e": e},
            {"kty": "RSA", "kid": "only-rs512", "alg": "RS512", "n": n, "e": e},
            {"kty": "RSA", "kid": "signs", "key_ops": ["sign"], "n": n, "e": e},
            {"kty": "oct", "kid": "shared", "k": b64("hush")},
            {"kty": "EC", "kid": "off", "crv": "P-256", "x": b64([1; 32]), "y": b64([1; 32])},
            point("e256", "P-256", &self.p256),
            point("e384", "P-384", &self.p384),
            point("e521", "P-521", &self.p521),
            {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": b64(self.ed.public_key().as_ref())},
            {"kty": "OKP", "kid": "agree", "crv": "X25519", "x": b64([1; 32])},
        ]})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let chance = SystemRandom::new();
        let rsa = |how: &'static dyn signature::RsaEncoding| {
            let mut sum = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(how, &chance, signed.as_bytes(), &mut sum).unwrap();
            sum
        };
        let curve = |pair: &EcdsaKeyPair| pair.sign(&chance, signed.as_bytes()).unwrap().as_ref().to_vec();
        let shared = |key: &[u8]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes()).as_ref().to_vec()
        };
        let sum = match header["alg"].as_str().unwrap_or_default() {
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            "ES256" => curve(&self.p256),
            "ES384" => curve(&self.p384),
            "ES512" => curve(&self.p521),
            "EdDSA" => self.ed.sign(signed.as_bytes()).as_ref().to_vec(),
            // The public key as everybody can have it, as the shared secret.
            "HS256" => shared(self.rsa.public_key().as_ref()),
            _ => Vec::new(),
        };
        format!("{signed}.{}", b64(sum))
    }
}

fn good() -> Value {
    json!({"iss": ISSUER, "sub": "u-1", "aud": "argo", "exp": NOW + 60, "iat": NOW - 60, "groups": ["dev"]})
}

/// The good claims with others put over them; null takes one away.
fn with(over: &Value) -> Value {
    let mut claims = good();
    for (name, value) in over.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn expected() -> Expected {
    let clients = ["argo", "argo-cli"].map(str::to_owned).to_vec();
    let algorithms =
        ["RS256", "RS512", "PS256", "PS384", "PS512", "RS384", "ES256", "ES384", "ES512", "EdDSA"];
    Expected {
        issuer: ISSUER.to_owned(),
        audiences: clients.clone(),
        presenters: clients,
        algorithms: algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect(),
        ..Expected::default()
    }
}

fn verdict(token: &str, expected: &Expected) -> Result<Claims, Refused> {
    let keys = Keys::read(SIGNER.set().to_string().as_bytes()).unwrap();
    open(token, &keys, expected, Timestamp::from_second(NOW).unwrap())
}

#[test]
fn signatures_of_every_kind_count_by_their_own_key_alone() {
    for (header, outcome) in [
        (json!({"alg": "RS256", "kid": "r", "typ": "JWT"}), Ok(())),
        (json!({"alg": "RS384", "kid": "r"}), Ok(())),
        (json!({"alg": "RS512", "kid": "only-rs512"}), Ok(())),
        (json!({"alg": "PS256", "kid": "r"}), Ok(())),
        (json!({"alg": "PS384", "kid": "r"}), Ok(())),
        (json!({"alg": "PS512", "kid": "r"}), Ok(())),
        (json!({"alg": "ES256", "kid": "e256", "x5t": "abc"}), Ok(())),
        (json!({"alg": "ES384", "kid": "e384", "typ": "at+jwt"}), Ok(())),
        (json!({"alg": "ES512", "kid": "e521"}), Ok(())),
        (json!({"alg": "EdDSA", "kid": "ed"}), Ok(())),
        (json!({"alg": "RS256"}), Ok(())),
        (json!({"alg": "RS256", "kid": ""}), Ok(())),
        // A89
        (json!({"alg": "none"}), Err(Refused::Algorithm)),
        (json!({"alg": "None", "kid": "r"}), Err(Refused::Algorithm)),
        (json!({"alg": "HS256", "kid": "r"}), Err(Refused::Algorithm)),
        (json!({"alg": "HS256", "kid": "shared"}), Err(Refused::Algorithm)),
        (json!({"kid": "r"}), Err(Refused::Algorithm)),
        (json!({"alg": ["RS256"], "kid": "r"}), Err(Refused::Algorithm)),
        (json!({"alg": "RS256", "kid": "../../etc/passwd"}), Err(Refused::UnknownKey)),
        (json!({"alg": "RS256", "kid": "r' OR '1'='1"}), Err(Refused::UnknownKey)),
        (json!({"alg": "RS256", "kid": "https://evil.example.com/jwks"}), Err(Refused::UnknownKey)),
        (json!({"alg": "RS256", "kid": 1}), Err(Refused::Header("its key's name is no text"))),
        (
            json!({"alg": "RS256", "kid": "r", "jku": "https://evil.example.com"}),
            Err(Refused::Header("it brings a key of its own")),
        ),
        (
            json!({"alg": "RS256", "kid": "r", "x5u": "https://evil.example.com"}),
            Err(Refused::Header("it brings a key of its own")),
        ),
        (json!({"alg": "RS256", "jwk": {"kty": "RSA"}}), Err(Refused::Header("it brings a key of its own"))),
        (
            json!({"alg": "RS256", "kid": "r", "crit": ["exp"]}),
            Err(Refused::Header("its header asks for what we do not do")),
        ),
        (
            json!({"alg": "RS256", "kid": "r", "typ": "logout+jwt"}),
            Err(Refused::Header("it is no token of a user")),
        ),
        (json!({"alg": "RS256", "kid": "enc"}), Err(Refused::UnknownKey)),
        (json!({"alg": "RS256", "kid": "signs"}), Err(Refused::UnknownKey)),
        (json!({"alg": "RS256", "kid": "only-rs512"}), Err(Refused::UnknownKey)),
        (json!({"alg": "RS256", "kid": "e256"}), Err(Refused::UnknownKey)),
        (json!({"alg": "ES256", "kid": "r"}), Err(Refused::UnknownKey)),
        (json!({"alg": "ES256", "kid": "off"}), Err(Refused::Signature)),
        (json!({"alg": "EdDSA", "kid": "agree"}), Err(Refused::UnknownKey)),
    ] {
        let token = SIGNER.sign(&header, &good());
        assert_eq!(verdict(&token, &expected()).map(drop), outcome, "{header}");
    }
}

#[test]
fn only_what_the_provider_announces_is_a_way_to_sign() {
    let narrow = Expected { algorithms: vec![Algorithm::Es256], ..expected() };
    let by = |alg: &str, kid: &str| SIGNER.sign(&json!({"alg": alg, "kid": kid}), &good());
    assert!(verdict(&by("ES256", "e256"), &narrow).is_ok());
    assert_eq!(verdict(&by("RS256", "r"), &narrow), Err(Refused::Algorithm));
}

#[test]
fn another_key_and_another_text_are_no_signature() {
    let header = json!({"alg": "RS256", "kid": "r"});
    let token = SIGNER.sign(&header, &good());
    let forged = Signer::new().sign(&header, &good());
    let (signed, sum) = token.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let admin = b64(with(&json!({"groups": ["admin"]})).to_string());
    for (token, outcome) in [
        (forged, Refused::Signature),
        (format!("{head}.{admin}.{sum}"), Refused::Signature),
        (format!("{signed}."), Refused::Signature),
        (format!("{signed}.{sum}!"), Refused::Malformed("a part is not base64")),
        (format!("{signed}.{sum}="), Refused::Malformed("a part is not base64")),
        (signed.to_owned(), Refused::Malformed("it has not three parts")),
        (format!("{token}.x"), Refused::Malformed("it has not three parts")),
        ("nothing".to_owned(), Refused::Malformed("it has not three parts")),
        (String::new(), Refused::Malformed("it has not three parts")),
        (format!("{}.{}.", b64("[]"), b64("{}")), Refused::Malformed("its header is no JSON object")),
        ("x".repeat(MAX_TOKEN_BYTES + 1), Refused::Malformed("it is too long")),
    ] {
        assert_eq!(verdict(&token, &expected()).map(drop), Err(outcome), "{token}");
    }
}

#[test]
fn claims_are_held_against_what_is_expected() {
    let claim = |why| Err(Refused::Claim(why));
    let rows: &[(&str, Value, Result<(), Refused>)] = &[
        ("as they are", json!({}), Ok(())),
        // A90
        ("another issuer", json!({"iss": "https://issuer.example.com/other"}), Err(Refused::Issuer)),
        ("an issuer with a slash more", json!({"iss": format!("{ISSUER}/")}), Err(Refused::Issuer)),
        ("our own issuer", json!({"iss": "argocd"}), Err(Refused::Issuer)),
        ("no issuer", json!({"iss": null}), Err(Refused::Issuer)),
        ("a list of issuers", json!({"iss": [ISSUER]}), claim("iss is no text")),
        ("the command line's", json!({"aud": "argo-cli"}), Ok(())),
        ("for several", json!({"aud": ["other", "argo"]}), Ok(())),
        ("for others", json!({"aud": ["other", "third"]}), Err(Refused::Audience)),
        ("for another", json!({"aud": "other"}), Err(Refused::Audience)),
        ("for one whose name begins so", json!({"aud": "argo-"}), Err(Refused::Audience)),
        ("for nobody", json!({"aud": null}), Err(Refused::Audience)),
        ("for an empty list", json!({"aud": []}), Err(Refused::Audience)),
        ("for a number", json!({"aud": 1}), claim("aud is neither a text nor a list of texts")),
        (
            "for a list with a number",
            json!({"aud": ["argo", 1]}),
            claim("aud is neither a text nor a list of texts"),
        ),
        ("given to us", json!({"azp": "argo"}), Ok(())),
        ("given to the command line", json!({"aud": ["argo"], "azp": "argo-cli"}), Ok(())),
        ("given to another", json!({"azp": "other"}), Err(Refused::Presenter)),
        ("over", json!({"exp": NOW}), Err(Refused::Expired)),
        ("over in a second", json!({"exp": NOW + 1}), Ok(())),
        ("without end", json!({"exp": null}), claim("exp is missing")),
        ("an end in words", json!({"exp": "9999999999"}), claim("exp is no number")),
        ("an end of a float", json!({"exp": 1e300}), Ok(())),
        ("from now on", json!({"nbf": NOW + 60}), Ok(())),
        ("from later on", json!({"nbf": NOW + 61}), Err(Refused::NotYet)),
        ("made a little later", json!({"iat": NOW + 60}), Ok(())),
        ("made later", json!({"iat": NOW + 61}), Err(Refused::NotYet)),
        ("made at no time", json!({"iat": null}), Ok(())),
        ("made in words", json!({"iat": "now"}), claim("iat is no number")),
        // A91
        ("nobody's", json!({"sub": ""}), Err(Refused::Subject)),
        ("nobody's, with a blank", json!({"sub": " "}), Err(Refused::Subject)),
        ("of no subject", json!({"sub": null}), Err(Refused::Subject)),
        ("of a number", json!({"sub": 7}), claim("sub is no text")),
    ];
    for (name, over, outcome) in rows {
        let token = SIGNER.sign(&json!({"alg": "ES256", "kid": "e256"}), &with(over));
        assert_eq!(&verdict(&token, &expected()).map(drop), outcome, "{name}");
    }
    let token = SIGNER.sign(&json!({"alg": "ES256", "kid": "e256"}), &json!({}));
    assert_eq!(verdict(&token, &expected()), Err(Refused::Issuer), "no claims at all");
}

#[test]
fn settings_widen_what_is_expected() {
    let token = |over: &Value| SIGNER.sign(&json!({"alg": "EdDSA", "kid": "ed"}), &with(over));
    let optional = Expected { audience_optional: true, ..expected() };
    let listed = Expected { audiences: vec!["api".to_owned()], presenters: Vec::new(), ..expected() };
    let login = Expected { nonce: Some("n".to_owned()), ..expected() };
    let google = Expected { issuer: "https://accounts.google.com".to_owned(), ..expected() };
    for (name, over, expected, outcome) in [
        ("no audience", json!({"aud": null}), &optional, Ok(())),
        ("an empty list of audiences", json!({"aud": []}), &optional, Ok(())),
        ("another audience all the same", json!({"aud": "other"}), &optional, Err(Refused::Audience)),
        (
            "an audience that is listed, by another client",
            json!({"aud": "api", "azp": "other"}),
            &listed,
            Ok(()),
        ),
        ("we ourselves are not listed", json!({"aud": "argo"}), &listed, Err(Refused::Audience)),
        ("an answer to our login", json!({"nonce": "n"}), &login, Ok(())),
        ("an answer to another", json!({"nonce": "m"}), &login, Err(Refused::Nonce)),
        ("no answer", json!({}), &login, Err(Refused::Nonce)),
        ("google without a scheme", json!({"iss": "accounts.google.com"}), &google, Ok(())),
    ] {
        assert_eq!(verdict(&token(&over), expected).map(drop), outcome, "{name}");
    }
}

#[test]
fn an_address_that_is_not_verified_is_left_out() {
    for (verified, kept) in [
        (json!(null), true),
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(1), false),
    ] {
        let claims = with(&json!({"email": "admin@example.com", "email_verified": verified}));
        let claims = verdict(&SIGNER.sign(&json!({"alg": "EdDSA"}), &claims), &expected()).unwrap();
        assert_eq!(claims.all.get("email").is_some(), kept, "{verified}");
        assert_eq!(claims.all["groups"], json!(["dev"]), "all else stays");
    }
}

#[test]
fn the_same_claims_are_the_same_token_however_they_are_signed() {
    let header = json!({"alg": "ES256", "kid": "e256"});
    let (one, two) = (SIGNER.sign(&header, &good()), SIGNER.sign(&header, &good()));
    assert_ne!(one, two, "there is chance in these signatures");
    assert_eq!(verdict(&one, &expected()).unwrap().id, verdict(&two, &expected()).unwrap().id);
    let sum = digest(&SHA256, good().to_string().as_bytes());
    assert_eq!(verdict(&one, &expected()).unwrap().id, format!("sso:{}", b64(sum)));
}

#[test]
fn a_set_of_keys_is_bounded_and_bad_keys_harm_no_others() {
    let many = json!({"keys": vec![json!({"kty": "oct"}); 101]}).to_string();
    for (text, wrong) in [
        ("", "the keys are no JSON"),
        ("{}", "there is no list of keys"),
        ("{\"keys\": {}}", "there is no list of keys"),
        (many.as_str(), "there are more than 100 keys"),
    ] {
        assert_eq!(Keys::read(text.as_bytes()).map(drop), Err(wrong), "{text}");
    }
    let mut set = SIGNER.set();
    for bad in [
        json!(7),
        json!({"kty": "RSA", "kid": "r", "n": "!", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "r", "n": "x".repeat(2000), "e": "AQAB"}),
    ] {
        set["keys"].as_array_mut().unwrap().insert(0, bad);
    }
    let keys = Keys::read(set.to_string().as_bytes()).unwrap();
    let token = SIGNER.sign(&json!({"alg": "RS256", "kid": "r"}), &good());
    assert!(open(&token, &keys, &expected(), Timestamp::from_second(NOW).unwrap()).is_ok());
}
