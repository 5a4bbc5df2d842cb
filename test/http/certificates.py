# Certificate authorities and certificates of the tests' own.
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_KEY_CERT_SIGN = x509.KeyUsage(key_cert_sign=True, digital_signature=False, content_commitment=False, key_encipherment=False,
                               data_encipherment=False, key_agreement=False, crl_sign=False, encipher_only=False, decipher_only=False)


def private_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _name(*common_names):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names])


class Authority:
    def __init__(self, name="a CA of the tests"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.pem = self._sign(self._name, self._key, 0, 1, x509.BasicConstraints(ca=True, path_length=None), _KEY_CERT_SIGN)

    # With the identifiers of keys that OpenSSL wants when it is strict, as it is by default in Python 3.13.
    def _sign(self, subject, key, from_day, to_day, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        identifiers = (x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                       x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()))
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now + datetime.timedelta(days=from_day, minutes=-5))
                   .not_valid_after(now + datetime.timedelta(days=to_day)))
        for extension in (*identifiers, *extensions):
            builder = builder.add_extension(extension, critical=isinstance(extension, (x509.BasicConstraints, x509.KeyUsage)))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, *common_names, purpose=SERVER, from_day=0, to_day=1):
        """(certificate, key) in PEM form."""
        key = ec.generate_private_key(ec.SECP256R1())
        places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = self._sign(_name(*common_names), key, from_day, to_day, x509.SubjectAlternativeName(places),
                                 x509.ExtendedKeyUsage([purpose]))
        return certificate, private_pem(key)
