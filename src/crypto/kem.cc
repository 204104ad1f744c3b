#include "crypto/kem.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/internal/constant_time.h"
#include "crypto/internal/keccak.h"
#include "crypto/internal/mlkem_ring.h"
#include "crypto/internal/wiped.h"

// Names as FIPS 203 has them are given beside ours: section 5 is the encryption below, section 6
// the three algorithms of the keys.
namespace hanse::crypto::mlkem768 {
namespace {

using base::ByteView;
using base::ErrorCode;
using internal::Factor;
using internal::Polynomial;
using internal::Wiped;

constexpr std::size_t kRank = 3;            // k
constexpr std::size_t kEncodedBytes = 384;  // of one polynomial, 12 bits a coefficient
constexpr std::size_t kCompressedU = 320;   // 10 bits
constexpr std::size_t kCompressedV = 128;   // 4 bits
constexpr std::size_t kHalf = 32;
static_assert(kPublicKeyBytes == kRank * kEncodedBytes + kHalf);
static_assert(kCiphertextBytes == kRank * kCompressedU + kCompressedV);

using Vector = std::array<Polynomial, kRank>;
using Factors = std::array<Factor, kRank>;
using Hash = std::array<std::byte, kHalf>;
using TwoHashes = std::array<std::byte, 2 * kHalf>;

// η = 2 for all of them; the nonce goes on from one to the next.
void sample_small(ByteView secret, std::uint8_t& nonce, Vector& vector) {
  for (Polynomial& f : vector) internal::sample_small(secret, nonce++, f);
}

void transform(Vector& vector) {
  for (Polynomial& f : vector) internal::transform(f);
}

void factors_of(const Vector& vector, Factors& factors) {
  std::ranges::transform(vector, factors.begin(), internal::factor_of);
}

std::array<const Polynomial*, kRank> pointers(const Vector& vector) {
  return {&vector[0], &vector[1], &vector[2]};
}

}  // namespace

struct EncapsulationKey::Body {
  PublicKey bytes;                   // ek = ByteEncode12(t̂) ‖ ρ
  Vector t;                          // t̂
  std::array<Vector, kRank> matrix;  // Â, expanded from ρ
  Hash hash;                         // H(ek)

  ByteView rho() const { return ByteView(bytes).last(kHalf); }

  void expand_matrix() {
    for (std::size_t row = 0; row < kRank; ++row)
      for (std::size_t column = 0; column < kRank; ++column)
        matrix[row][column] = internal::sample_uniform(rho(), static_cast<std::uint8_t>(column),
                                                       static_cast<std::uint8_t>(row));
  }

  // K-PKE.Encrypt (algorithm 14).
  void encrypt(ByteView message, ByteView randomness, std::span<std::byte> ciphertext) const {
    Wiped<Vector> y;
    Wiped<Vector> error;
    Wiped<Factors> factors;
    Wiped<Polynomial> sum;
    Wiped<Polynomial> noise;
    std::uint8_t nonce = 0;
    sample_small(randomness, nonce, *y);
    sample_small(randomness, nonce, *error);
    internal::sample_small(randomness, nonce, *noise);
    transform(*y);
    factors_of(*y, *factors);
    for (std::size_t i = 0; i < kRank; ++i) {  // u = Âᵀ ∘ ŷ + e₁
      internal::multiply({&matrix[0][i], &matrix[1][i], &matrix[2][i]}, *factors, *sum);
      internal::transform_back(*sum);
      internal::add(*sum, (*error)[i]);
      internal::encode<10>(*sum, ciphertext.subspan(i * kCompressedU, kCompressedU));
    }
    internal::multiply(pointers(t), *factors, *sum);  // v = t̂ᵀ ∘ ŷ + e₂ + μ
    internal::transform_back(*sum);
    internal::add(*sum, *noise);
    internal::decode<1>(message, *noise);
    internal::add(*sum, *noise);
    internal::encode<4>(*sum, ciphertext.last(kCompressedV));
  }
};

base::Result<EncapsulationKey> EncapsulationKey::create(ByteView key) {
  if (key.size() != kPublicKeyBytes)
    return base::fail(ErrorCode::invalid_argument, "an ML-KEM-768 key has {} bytes, found {}",
                      kPublicKeyBytes, key.size());
  auto body = std::make_shared<Body>();
  std::ranges::copy(key, body->bytes.begin());
  for (std::size_t i = 0; i < kRank; ++i) {
    internal::decode<12>(key.subspan(i * kEncodedBytes, kEncodedBytes), body->t[i]);
    const auto largest = std::ranges::max(body->t[i]);
    if (largest >= internal::kModulus)
      return base::fail(ErrorCode::invalid_argument,
                        "expected an ML-KEM-768 public key, whose coefficients are below {}; "
                        "this one has {}",
                        internal::kModulus, largest);
  }
  body->expand_matrix();
  internal::keccak(internal::kSha3_256, {body->bytes}, body->hash);
  return EncapsulationKey(std::move(body));
}

const PublicKey& EncapsulationKey::bytes() const { return body_->bytes; }

Encapsulated EncapsulationKey::encapsulate(ByteView message) const {
  HANSE_CHECK(message.size() == kMessageBytes);
  Wiped<TwoHashes> keys;  // K ‖ r
  internal::keccak(internal::kSha3_512, {message, body_->hash}, *keys);
  Encapsulated made{{}, SecretBytes::copy_of(ByteView(*keys).first(kHalf))};
  body_->encrypt(message, ByteView(*keys).last(kHalf), made.ciphertext);
  internal::declassify(made.ciphertext);
  return made;
}

struct DecapsulationKey::Body {
  explicit Body(EncapsulationKey key) : encapsulation(std::move(key)) {}

  EncapsulationKey encapsulation;
  Wiped<Vector> s;         // ŝ
  Wiped<Factors> factors;  // of ŝ
  Wiped<Hash> z;

  // K-PKE.Decrypt (algorithm 15).
  void decrypt(ByteView ciphertext, std::span<std::byte> message) const {
    Wiped<Vector> u;
    for (std::size_t i = 0; i < kRank; ++i)
      internal::decode<10>(ciphertext.subspan(i * kCompressedU, kCompressedU), (*u)[i]);
    transform(*u);
    Wiped<Polynomial> product;
    internal::multiply(pointers(*u), *factors, *product);
    internal::transform_back(*product);
    Wiped<Polynomial> w;
    internal::decode<4>(ciphertext.last(kCompressedV), *w);
    internal::subtract(*w, *product);
    internal::encode<1>(*w, message);
  }
};

DecapsulationKey::DecapsulationKey(std::unique_ptr<const Body> body) : body_(std::move(body)) {}
DecapsulationKey::~DecapsulationKey() = default;
DecapsulationKey::DecapsulationKey(DecapsulationKey&& other) noexcept = default;
DecapsulationKey& DecapsulationKey::operator=(DecapsulationKey&& other) noexcept = default;

DecapsulationKey DecapsulationKey::from_seed(ByteView seed) {
  HANSE_CHECK(seed.size() == kSeedBytes);
  auto known = std::make_shared<EncapsulationKey::Body>();
  auto body = std::make_unique<Body>(EncapsulationKey(known));
  std::ranges::copy(seed.last(kHalf), body->z->begin());

  Wiped<TwoHashes> seeds;  // ρ ‖ σ, K-PKE.KeyGen (algorithm 13)
  internal::keccak(internal::kSha3_512,
                   {seed.first(kHalf), std::array{static_cast<std::byte>(kRank)}}, *seeds);
  Hash rho;
  std::ranges::copy(ByteView(*seeds).first(kHalf), rho.begin());
  internal::declassify(rho);
  std::ranges::copy(rho, known->bytes.end() - kHalf);
  known->expand_matrix();

  Wiped<Vector> error;
  std::uint8_t nonce = 0;
  sample_small(ByteView(*seeds).last(kHalf), nonce, *body->s);
  sample_small(ByteView(*seeds).last(kHalf), nonce, *error);
  transform(*body->s);
  transform(*error);
  factors_of(*body->s, *body->factors);
  for (std::size_t i = 0; i < kRank; ++i) {  // t̂ = Â ∘ ŝ + ê
    internal::multiply(pointers(known->matrix[i]), *body->factors, known->t[i]);
    internal::scale_up(known->t[i]);
    internal::add(known->t[i], (*error)[i]);
    internal::encode<12>(known->t[i],
                         std::span(known->bytes).subspan(i * kEncodedBytes, kEncodedBytes));
  }
  internal::declassify(known->t);
  internal::declassify(known->bytes);
  internal::keccak(internal::kSha3_256, {known->bytes}, known->hash);
  return DecapsulationKey(std::move(body));
}

const EncapsulationKey& DecapsulationKey::encapsulation_key() const { return body_->encapsulation; }

SecretBytes DecapsulationKey::decapsulate(
    std::span<const std::byte, kCiphertextBytes> ciphertext) const {
  const EncapsulationKey::Body& known = *body_->encapsulation.body_;
  Wiped<Hash> message;
  body_->decrypt(ciphertext, *message);
  Wiped<TwoHashes> keys;
  internal::keccak(internal::kSha3_512, {*message, known.hash}, *keys);
  Wiped<Hash> rejected;
  internal::keccak(internal::kShake256, {*body_->z, ciphertext}, *rejected);
  Wiped<Ciphertext> again;
  known.encrypt(*message, ByteView(*keys).last(kHalf), *again);

  // All ones where the ciphertext is not the one that this message makes.
  const int differs =
      internal::hidden(sodium_memcmp(again->data(), ciphertext.data(), kCiphertextBytes));
  return SecretBytes::filled(kSharedBytes, [&](std::span<std::byte> out) {
    const auto mask = static_cast<std::byte>(differs);
    for (std::size_t i = 0; i < kSharedBytes; ++i)
      out[i] = ((*keys)[i] & ~mask) | ((*rejected)[i] & mask);
  });
}

SecretBytes DecapsulationKey::expanded() const {
  return SecretBytes::filled(kSecretKeyBytes, [&](std::span<std::byte> out) {
    for (const Polynomial& f : *body_->s) {
      internal::encode<12>(f, out.first(kEncodedBytes));
      out = out.subspan(kEncodedBytes);
    }
    const EncapsulationKey::Body& known = *body_->encapsulation.body_;
    for (const ByteView part : {ByteView(known.bytes), ByteView(known.hash), ByteView(*body_->z)}) {
      std::ranges::copy(part, out.begin());
      out = out.subspan(part.size());
    }
  });
}

}  // namespace hanse::crypto::mlkem768
