//! Passwords and secrets: `bcrypt`, `htpasswd`, `derivePassword`, AES.

use aes::Aes256;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use gotemplate::{Call, CallError, Function, Type};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Answer, give, give_bytes, refuse};
use crate::base64;
use crate::host::{MasterKey, keep_master_key, master_key, world};

const STRING: Type = Type::String;

pub(crate) const TABLE: &[Function] = &[
    Function::new("bcrypt", &[STRING], |call| {
        let password = call.bytes(0);
        give(bcrypt(call, password)?)
    }),
    Function::new("htpasswd", &[STRING, STRING], |call| {
        let user = call.text(0);
        if user.contains(':') {
            return give(format!("invalid username: {user}"));
        }
        let hash = bcrypt(call, call.bytes(1))?;
        give(format!("{user}:{hash}"))
    }),
    Function::new("derivePassword", &[Type::Uint32, STRING, STRING, STRING, STRING], derive_password),
    Function::new("encryptAES", &[STRING, STRING], encrypt),
    Function::new("decryptAES", &[STRING, STRING], decrypt),
];

/// What one bcrypt of cost 10 counts for: about 50 ms, of runs that last seconds at most.
const BCRYPT_STEPS: u64 = 2_000_000;
/// What one scrypt counts for, about 100 ms.
const SCRYPT_STEPS: u64 = 4_000_000;

/// `$2a$10$…`, as Go's `x/crypto/bcrypt` makes it; an error is its text.
fn bcrypt(call: &mut Call<'_>, password: &[u8]) -> Result<String, CallError> {
    if password.len() > bcrypt::MAX_PASSWORD_BYTES {
        return Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".into());
    }
    call.budget().step(BCRYPT_STEPS)?;
    let mut salt = [0; 16];
    world(call)?.random(&mut salt);
    Ok(bcrypt::hash(password, bcrypt::DEFAULT_COST, salt)
        .unwrap_or_else(|error| format!("failed to encrypt string with bcrypt: {error}")))
}

/// The templates of the Master Password algorithm, of which a password takes one, and what their letters stand for.
const TEMPLATES: [(&str, &[&str]); 6] = [
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

fn letters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

fn derive_password(call: &mut Call<'_>) -> Answer {
    const SCOPE: &[u8] = b"com.lyndir.masterpassword";
    /// 128 × N × r bytes.
    const MEMORY: usize = 128 * 32_768 * 8;
    let kind = call.text(1);
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| *name == kind) else {
        return give(format!("cannot find password template {kind}"));
    };
    let counter = u32::try_from(call.int(0)).unwrap_or(u32::MAX).to_be_bytes();
    let (password, user, site) = (call.bytes(2), call.bytes(3), call.bytes(4));
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let failed = |error: &dyn std::fmt::Display| give(format!("failed to derive password: {error}"));
    let key = match master_key(call, user, password) {
        Some(key) => key,
        None => {
            call.budget().allocate(MEMORY)?;
            call.budget().step(SCRYPT_STEPS)?;
            let params = match scrypt::Params::new(15, 8, 2, 64) {
                Ok(params) => params,
                Err(error) => return failed(&error),
            };
            let mut key = [0; 64];
            let salt = [SCOPE, &length(user), user].concat();
            if let Err(error) = scrypt::scrypt(password, &salt, &params, &mut key) {
                return failed(&error);
            }
            keep_master_key(call, MasterKey { user: user.to_vec(), password: password.to_vec(), key });
            key
        }
    };
    let mut mac = match <Hmac<Sha256> as Mac>::new_from_slice(&key) {
        Ok(mac) => mac,
        Err(error) => return failed(&error),
    };
    mac.update(&[SCOPE, &length(site), site, &counter].concat());
    let seed = mac.finalize().into_bytes();
    let pick = |byte: Option<&u8>, of: usize| byte.map_or(0, |byte| usize::from(*byte) % of);
    let template = templates.get(pick(seed.first(), templates.len())).copied().unwrap_or_default();
    let chosen = template.bytes().zip(seed.iter().skip(1)).filter_map(|(class, byte)| {
        let letters = letters(class);
        letters.get(pick(Some(byte), letters.len())).copied()
    });
    give_bytes(chosen.collect())
}

/// AES blocks, in bytes.
const BLOCK: usize = 16;

/// The password's first 32 bytes, with zeros behind, are the key.
fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(password) {
        *to = *from;
    }
    Aes256::new(&key.into())
}

/// AES-256-CBC with PKCS #7 padding; the result is base64 of the initial vector and the text.
fn encrypt(call: &mut Call<'_>) -> Answer {
    let plain = call.bytes(1);
    if plain.is_empty() {
        return give("");
    }
    call.budget().allocate(plain.len().saturating_mul(3))?;
    let cipher = cipher(call.bytes(0));
    let mut previous = [0_u8; BLOCK];
    world(call)?.random(&mut previous);
    let padding = BLOCK - plain.len() % BLOCK;
    let padded: Vec<u8> = plain
        .iter()
        .copied()
        .chain(std::iter::repeat_n(u8::try_from(padding).unwrap_or(0), padding))
        .collect();
    let mut out = previous.to_vec();
    for chunk in padded.chunks(BLOCK) {
        for (byte, plain) in previous.iter_mut().zip(chunk) {
            *byte ^= plain;
        }
        let mut block = previous.into();
        cipher.encrypt_block(&mut block);
        previous = block.into();
        out.extend_from_slice(&previous);
    }
    give(base64::encode(&out))
}

fn decrypt(call: &mut Call<'_>) -> Answer {
    if call.bytes(1).is_empty() {
        return give("");
    }
    let encrypted = base64::decode(call.bytes(1))?;
    call.budget().allocate(encrypted.len())?;
    let cipher = cipher(call.bytes(0));
    let Some((initial, blocks)) = encrypted.split_at_checked(BLOCK) else {
        // What Go sets aside for the text of that length.
        let len = call.bytes(1).len() / 4 * 3;
        return refuse(format!("runtime error: slice bounds out of range [:{BLOCK}] with capacity {len}"));
    };
    if blocks.len() % BLOCK != 0 {
        return refuse("crypto/cipher: input not full blocks");
    }
    let mut plain = Vec::with_capacity(blocks.len());
    let mut previous = initial;
    for chunk in blocks.chunks_exact(BLOCK) {
        let mut block = aes::Block::clone_from_slice(chunk);
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(previous).map(|(byte, previous)| byte ^ previous));
        previous = chunk;
    }
    let Some(padding) = plain.last().map(|byte| usize::from(*byte)) else {
        return refuse("runtime error: index out of range [-1]");
    };
    match plain.len().checked_sub(padding) {
        Some(len) => {
            plain.truncate(len);
            give_bytes(plain)
        }
        None => {
            let at = i64::try_from(plain.len()).unwrap_or(0) - i64::try_from(padding).unwrap_or(0);
            refuse(format!("runtime error: slice bounds out of range [:{at}]"))
        }
    }
}
