#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/digest.h"
#include "crypto/testing.h"

namespace hanse::crypto {
namespace {

using testing::CountingRandom;

constexpr std::int64_t kStart = 1'767'225'600'000;  // 2026-01-01T00:00Z
constexpr std::int64_t kDay = 86'400'000;
constexpr Validity kYear{{kStart}, {kStart + 365 * kDay}};

Signer signer(unsigned first = 0) {
  CountingRandom random(first);
  return Signer::create(random);
}

using CertificatePointer = std::unique_ptr<X509, decltype(&X509_free)>;

CertificatePointer parsed(const base::Bytes& der) {
  const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
  return {d2i_X509(nullptr, &begin, static_cast<long>(der.size())), X509_free};
}

// What a TLS library says of the certificate as its own trust anchor, at a time.
int verified(const base::Bytes& der, int purpose, std::int64_t seconds, const char* host) {
  const auto certificate = parsed(der);
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      X509_STORE_free);
  X509_STORE_add_cert(store.get(), certificate.get());
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> check(X509_STORE_CTX_new(),
                                                                              X509_STORE_CTX_free);
  X509_STORE_CTX_init(check.get(), store.get(), certificate.get(), nullptr);
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(check.get());
  X509_VERIFY_PARAM_set_time(parameters, seconds);
  X509_VERIFY_PARAM_set_purpose(parameters, purpose);
  X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_verify_cert(check.get());
  return X509_STORE_CTX_get_error(check.get());
}

TEST(Certificate, holds_what_was_put_in) {
  const Signer tls = signer();
  const auto der = self_signed(tls, "bremen.ovens-2", kYear);
  ASSERT_TRUE(der);
  const auto facts = read_certificate(*der);
  ASSERT_TRUE(facts) << facts.error().text();
  EXPECT_EQ(*facts, (CertificateFacts{"bremen.ovens-2", tls.verifier().key(), kYear}));
  EXPECT_EQ(*der, *self_signed(tls, "bremen.ovens-2", kYear));
  EXPECT_LT(der->size(), 400U);
}

TEST(Certificate, openssl_trusts_it_for_server_and_site) {
  const auto der = *self_signed(signer(), "bremen", kYear);
  constexpr std::int64_t kWithin = kStart / 1000 + 3600;
  for (const char* end : {"sslserver", "sslclient"})
    EXPECT_EQ(verified(der, X509_PURPOSE_get_id(X509_PURPOSE_get0(X509_PURPOSE_get_by_sname(end))),
                       kWithin, "bremen"),
              X509_V_OK);
  EXPECT_EQ(verified(der, X509_PURPOSE_SSL_SERVER, kWithin, "ulm"), X509_V_ERR_HOSTNAME_MISMATCH);
  EXPECT_EQ(verified(der, X509_PURPOSE_SSL_SERVER, kStart / 1000 - 1, "bremen"),
            X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(verified(der, X509_PURPOSE_SSL_SERVER, kStart / 1000 + 366 * 86400, "bremen"),
            X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST(Certificate, every_changed_byte_is_noticed) {
  const auto der = *self_signed(signer(), "bremen", kYear);
  for (std::size_t i = 0; i < der.size(); ++i) {
    base::Bytes changed = der;
    changed[i] ^= std::byte{1};
    EXPECT_FALSE(read_certificate(changed)) << i;
    EXPECT_FALSE(read_certificate(base::ByteView(der).first(i))) << i;
  }
  base::Bytes longer = der;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(read_certificate(longer));
  EXPECT_FALSE(read_certificate(base::Bytes(kMaxCertificateBytes + 1)));
}

TEST(Certificate, keys_of_other_kinds_are_refused) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const auto certificate = parsed(*self_signed(signer(), "bremen", kYear));
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  base::Bytes der(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)));
  auto* begin = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate.get(), &begin);
  const auto facts = read_certificate(der);
  ASSERT_FALSE(facts);
  EXPECT_NE(facts.error().text().find("Ed25519"), std::string::npos);
}

TEST(Certificate, signed_by_another_key_is_refused) {
  const Signer stranger = signer(9);
  const auto secret = stranger.secret().reveal();
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> other(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                   reinterpret_cast<const unsigned char*>(secret.data()), 32),
      EVP_PKEY_free);
  const auto certificate = parsed(*self_signed(signer(), "bremen", kYear));
  X509_sign(certificate.get(), other.get(), nullptr);
  base::Bytes der(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)));
  auto* begin = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate.get(), &begin);
  const auto facts = read_certificate(der);
  ASSERT_FALSE(facts);
  EXPECT_NE(facts.error().text().find("its own key"), std::string::npos);
}

TEST(Certificate, names_and_times_are_checked) {
  const Signer tls = signer();
  for (const char* name : {"", "a b", "b\xC3\xBCro", "../x", "a,DNS:b", "*"})
    EXPECT_FALSE(self_signed(tls, name, kYear)) << name;
  EXPECT_FALSE(self_signed(tls, "bremen", {{kStart}, {kStart - 1000}}));
  EXPECT_FALSE(self_signed(tls, "bremen", {{-1}, {kStart}}));
  EXPECT_FALSE(self_signed(tls, "bremen", {{0}, {253'402'300'800'000}}));
  // UTCTime before 2050, GeneralizedTime from there on: RFC 5280, section 4.1.2.5.
  const Validity widest{{0}, {253'402'300'799'000}};
  const auto der = self_signed(tls, "bremen", widest);
  ASSERT_TRUE(der);
  EXPECT_EQ(read_certificate(*der)->validity, widest);
}

TEST(Certificate, pem_there_and_back) {
  const auto der = *self_signed(signer(), "bremen", kYear);
  const std::string pem = pem_of_certificate(der);
  EXPECT_TRUE(pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_EQ(*der_of_pem(pem), der);
  EXPECT_FALSE(der_of_pem(pem + pem));
  EXPECT_FALSE(der_of_pem(""));
  EXPECT_FALSE(der_of_pem(std::string(3 * kMaxCertificateBytes, 'x')));
  ERR_clear_error();
}

TEST(PrivateKey, pem_is_what_openssl_reads) {
  const Signer tls = signer();
  const SecretBytes pem = pem_of_key(tls);
  // RFC 8410, section 7: the key wrapped twice.
  EXPECT_TRUE(base::text_of(pem.reveal()).starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAw"));
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(
      BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  ASSERT_NE(key, nullptr);
  PublicKey raw{};
  std::size_t size = raw.size();
  EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
  EXPECT_EQ(raw, tls.verifier().key());
}

}  // namespace
}  // namespace hanse::crypto
