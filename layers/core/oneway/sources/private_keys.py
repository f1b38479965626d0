"""Signing with a private key at hand. The only module that loads cryptography: import it where a key of this kind signs."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .signing import raw_of_der


def sign(pem: str, algorithm: str, message: bytes) -> bytes:
    """The RS384 or ES384 signature of a message, as a JWS has it. Raises ValueError for a key that cannot make one."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
        raise ValueError("not a key that can be read") from None
    if algorithm == "RS384" and isinstance(key, RSAPrivateKey):
        return key.sign(message, PKCS1v15(), SHA384())
    if algorithm == "ES384" and isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP384R1):
        return raw_of_der(key.sign(message, ECDSA(SHA384())))
    raise ValueError("not a key of this algorithm")
