//! A keystore that another program made.

/// By eth-keyfile 0.8.1 (Python): `create_keyfile_json(KEY, b"correct horse", kdf="scrypt",
/// iterations=4096)`, with the key of KIP-97's example.
pub(crate) const KEYSTORE: &str = r#"{"address": "2c7536E3605D9C16a7a3D7b1898e529396a65c23", "crypto": {"cipher": "aes-128-ctr", "cipherparams": {"iv": "4bb876745c1a192144eb2c49506e501c"}, "ciphertext": "a4d4285a2ddb520ac5284f5af4489d795395572498f7d4b605524b49369f63af", "kdf": "scrypt", "kdfparams": {"dklen": 32, "n": 4096, "r": 8, "p": 1, "salt": "75d6deed7082846615c122fbc27e48b9"}, "mac": "80b4851b434e30a8b9393f8314ed38e69cab2467fc532ca97f9486a5f3d0c87b"}, "id": "86ffe817-2061-45cf-8e54-f00d5ba4ecac", "version": 3}"#;
