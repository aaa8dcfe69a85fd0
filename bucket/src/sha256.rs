//! What signing requests to a bucket takes, made of the SHA-256 that is in the tree: the client's own choices each bring a
//! library of C and assembler, for which every build would pay.

use object_store::client::{CryptoProvider, DigestAlgorithm, DigestContext, HmacContext, Signer, SigningAlgorithm};
use object_store::{Error, Result};
use sha2::{Digest, Sha256};

/// SHA-256, alone and in HMAC.
#[derive(Debug)]
pub(crate) struct Sha256Provider;

impl CryptoProvider for Sha256Provider {
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>> {
        known(&algorithm)?;
        Ok(Box::new(Hash { hash: Sha256::new(), outcome: [0; 32] }))
    }

    fn hmac(&self, algorithm: DigestAlgorithm, secret: &[u8]) -> Result<Box<dyn HmacContext>> {
        known(&algorithm)?;
        Ok(Box::new(Hmac::new(secret)))
    }

    fn sign(&self, algorithm: SigningAlgorithm, _: &[u8]) -> Result<Box<dyn Signer>> {
        Err(Error::NotSupported { source: format!("signing by {algorithm:?} is of no use to a bucket of S3").into() })
    }
}

fn known(algorithm: &DigestAlgorithm) -> Result<()> {
    match algorithm {
        DigestAlgorithm::Sha256 => Ok(()),
        other => Err(Error::NotSupported { source: format!("{other:?} is not SHA-256").into() }),
    }
}

struct Hash {
    hash: Sha256,
    outcome: [u8; 32],
}

impl DigestContext for Hash {
    fn update(&mut self, data: &[u8]) {
        self.hash.update(data);
    }

    fn finish(&mut self) -> Result<&[u8]> {
        self.outcome = std::mem::take(&mut self.hash).finalize().into();
        Ok(&self.outcome)
    }
}

/// HMAC (RFC 2104) with SHA-256, whose blocks have 64 bytes.
struct Hmac {
    inner: Sha256,
    outer: Sha256,
    outcome: [u8; 32],
}

impl Hmac {
    fn new(secret: &[u8]) -> Self {
        let mut key = [0; 64];
        if secret.len() > key.len() {
            key[..32].copy_from_slice(&Sha256::digest(secret));
        } else {
            key[..secret.len()].copy_from_slice(secret);
        }
        let padded = |pad: u8| Sha256::new().chain_update(key.map(|byte| byte ^ pad));
        Self { inner: padded(0x36), outer: padded(0x5c), outcome: [0; 32] }
    }
}

impl HmacContext for Hmac {
    fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    fn finish(&mut self) -> Result<&[u8]> {
        let inner = std::mem::take(&mut self.inner).finalize();
        self.outcome = std::mem::take(&mut self.outer).chain_update(inner).finalize().into();
        Ok(&self.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn hmac_equals_the_vectors_of_rfc_4231() {
        for (secret, data, expected) in [
            (vec![0x0b; 20], b"Hi There".to_vec(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let mut hmac = Sha256Provider.hmac(DigestAlgorithm::Sha256, &secret).unwrap();
            let (first, rest) = data.split_at(3);
            hmac.update(first);
            hmac.update(rest);
            assert_eq!(hex(hmac.finish().unwrap()), expected);
        }
    }

    #[test]
    fn the_hash_of_nothing_is_that_of_fips_180() {
        let mut hash = Sha256Provider.digest(DigestAlgorithm::Sha256).unwrap();
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(hash.finish().unwrap()), expected);
    }
}
