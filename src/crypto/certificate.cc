#include "crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/digest.h"
#include "base/ids.h"
#include "crypto/internal/bytes.h"

namespace hanse::crypto {
namespace {

using base::ErrorCode;
using base::Result;
using internal::in;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePointer = std::unique_ptr<X509, Freed<X509_free>>;
using ExtensionPointer = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using NamesPointer = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using NumberPointer = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using TimePointer = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;
using BufferPointer = std::unique_ptr<BIO, Freed<BIO_free>>;

constexpr std::int64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z, RFC 5280, 4.1.2.5
constexpr std::int64_t kDaySeconds = 86400;

KeyPointer private_key_of(const Signer& signer) {
  const base::ByteView secret = signer.secret().reveal();
  KeyPointer key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, in(secret), secret.size()));
  HANSE_CHECK(key != nullptr);
  return key;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  const ExtensionPointer extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  HANSE_CHECK(extension != nullptr);
  HANSE_CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

// 16 bytes of the key's digest, positive as RFC 5280, section 4.1.2.2 asks.
void set_serial(X509* certificate, const PublicKey& key) {
  std::array<std::byte, 16> serial;
  const base::Digest digest = base::Digest::of(key);
  std::ranges::copy(digest.bytes().first(serial.size()), serial.begin());
  serial[0] = (serial[0] & std::byte{0x3f}) | std::byte{0x40};
  const NumberPointer number(BN_bin2bn(in(serial), static_cast<int>(serial.size()), nullptr));
  HANSE_CHECK(number != nullptr);
  HANSE_CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

Result<void> check(const Validity& validity) {
  const std::int64_t from = validity.from.value / 1000;
  const std::int64_t until = validity.until.value / 1000;
  if (validity.from.value < 0 || until > kLastSecond || from > until)
    return base::fail(ErrorCode::invalid_argument,
                      "a certificate is valid from a time to a later one, between the years 1970 "
                      "and 9999; found {} ms to {} ms since 1970",
                      validity.from.value, validity.until.value);
  return {};
}

Result<PublicKey> key_of(X509* certificate) {
  EVP_PKEY* const key = X509_get0_pubkey(certificate);
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
    return base::fail(ErrorCode::invalid_argument,
                      "expected a certificate of an Ed25519 key, found another kind of key");
  PublicKey raw{};
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, internal::out(raw), &size) != 1 || size != raw.size())
    return base::fail(ErrorCode::invalid_argument, "the certificate's key cannot be read");
  HANSE_TRY(const Verifier verifier, Verifier::create(raw));
  if (X509_verify(certificate, key) != 1)
    return base::fail(
        ErrorCode::invalid_argument,
        "expected a certificate signed by its own key; its signature does not verify");
  return verifier.key();
}

Result<std::string> name_of(const X509* certificate) {
  const NamesPointer names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr || sk_GENERAL_NAME_num(names.get()) != 1)
    return base::fail(ErrorCode::invalid_argument,
                      "expected a certificate with one subject alternative name, found {}",
                      names ? sk_GENERAL_NAME_num(names.get()) : 0);
  const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), 0);
  if (name->type != GEN_DNS)
    return base::fail(ErrorCode::invalid_argument,
                      "expected a subject alternative name of type DNS, found another");
  const ASN1_IA5STRING* const text = name->d.dNSName;
  return base::checked_name("certificate's",
                            {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                             static_cast<std::size_t>(ASN1_STRING_length(text))});
}

Result<base::Milliseconds> time_of(const ASN1_TIME* time) {
  const TimePointer epoch(ASN1_TIME_set(nullptr, 0));
  HANSE_CHECK(epoch != nullptr);
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1)
    return base::fail(ErrorCode::invalid_argument, "the certificate's validity cannot be read");
  return base::Milliseconds{(days * kDaySeconds + seconds) * 1000};
}

base::Bytes der_of(X509& certificate) {
  const int size = i2d_X509(&certificate, nullptr);
  base::Bytes der(size > 0 ? static_cast<std::size_t>(size) : 0);
  unsigned char* begin = internal::out(der);
  if (size > 0) HANSE_CHECK(i2d_X509(&certificate, &begin) == size);
  return der;
}

BufferPointer buffer() {
  BufferPointer made(BIO_new(BIO_s_mem()));
  HANSE_CHECK(made != nullptr);
  return made;
}

// Valid while the buffer lives, which wipes it when freed.
base::ByteView content_of(BIO* written) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(written, &data);
  return std::as_bytes(std::span(data, static_cast<std::size_t>(size)));
}

}  // namespace

Result<base::Bytes> self_signed(const Signer& tls, std::string_view name, Validity validity) {
  HANSE_TRY(const std::string checked, base::checked_name("party", name));
  HANSE_TRY_VOID(check(validity));
  const KeyPointer key = private_key_of(tls);
  const CertificatePointer made(X509_new());
  HANSE_CHECK(made != nullptr);
  HANSE_CHECK(X509_set_version(made.get(), X509_VERSION_3) == 1);
  set_serial(made.get(), tls.verifier().key());
  HANSE_CHECK(ASN1_TIME_set(X509_getm_notBefore(made.get()), validity.from.value / 1000));
  HANSE_CHECK(ASN1_TIME_set(X509_getm_notAfter(made.get()), validity.until.value / 1000));
  X509_NAME* const subject = X509_get_subject_name(made.get());
  HANSE_CHECK(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                         in(base::view_of(checked)),
                                         static_cast<int>(checked.size()), -1, 0) == 1);
  HANSE_CHECK(X509_set_issuer_name(made.get(), subject) == 1);
  HANSE_CHECK(X509_set_pubkey(made.get(), key.get()) == 1);
  add_extension(made.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(made.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(made.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(made.get(), NID_subject_alt_name, "DNS:" + checked);
  HANSE_CHECK(X509_sign(made.get(), key.get(), nullptr) > 0);
  return der_of(*made);
}

Result<CertificateFacts> read_certificate(base::ByteView der) {
  if (der.size() > kMaxCertificateBytes)
    return base::fail(ErrorCode::invalid_argument, "a certificate has at most {} bytes, found {}",
                      kMaxCertificateBytes, der.size());
  const unsigned char* end = in(der);
  const CertificatePointer read(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
  // OpenSSL reads other encodings of ASN.1 too, so what it read is written again to see.
  if (read == nullptr || end != in(der) + der.size() || !std::ranges::equal(der_of(*read), der))
    return base::fail(ErrorCode::invalid_argument,
                      "expected an X.509 certificate in DER; these {} bytes are none", der.size());
  HANSE_TRY(const PublicKey key, key_of(read.get()));
  HANSE_TRY(std::string name, name_of(read.get()));
  HANSE_TRY(const base::Milliseconds from, time_of(X509_get0_notBefore(read.get())));
  HANSE_TRY(const base::Milliseconds until, time_of(X509_get0_notAfter(read.get())));
  HANSE_TRY_VOID(check({from, until}));
  return CertificateFacts{std::move(name), key, {from, until}};
}

std::string pem_of_certificate(base::ByteView der) {
  const BufferPointer text = buffer();
  HANSE_CHECK(
      PEM_write_bio(text.get(), PEM_STRING_X509, "", in(der), static_cast<long>(der.size())) > 0);
  return std::string(base::text_of(content_of(text.get())));
}

Result<base::Bytes> der_of_pem(std::string_view pem) {
  if (pem.size() > 2 * kMaxCertificateBytes)
    return base::fail(ErrorCode::invalid_argument,
                      "a certificate in PEM has at most {} bytes, found {}",
                      2 * kMaxCertificateBytes, pem.size());
  const BufferPointer text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  HANSE_CHECK(text != nullptr);
  const CertificatePointer read(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  const CertificatePointer second(read ? PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)
                                       : nullptr);
  if (read == nullptr || second != nullptr)
    return base::fail(ErrorCode::invalid_argument, "expected one certificate in PEM, found {}",
                      second ? "several" : "none");
  return der_of(*read);
}

SecretBytes pem_of_key(const Signer& signer) {
  const KeyPointer key = private_key_of(signer);
  const BufferPointer text = buffer();
  HANSE_CHECK(PEM_write_bio_PKCS8PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) == 1);
  return SecretBytes::copy_of(content_of(text.get()));
}

}  // namespace hanse::crypto
