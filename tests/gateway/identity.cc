#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gateway/relay.h"

namespace interlock::gateway::scenes {
namespace {

constexpr long kLifeSeconds = 3600;

template <class Thing, void (*kFree)(Thing*)>
struct Freer {
  void operator()(Thing* thing) const { kFree(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION, X509_EXTENSION_free>>;

template <class Write>
std::string pem_of(const Write& write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(bio), 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void add_extension(X509* certificate, int id, const char* value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, id, value));
  EXPECT_EQ(X509_add_ext(certificate, extension.get(), -1), 1);
}

}  // namespace

Identity make_identity() {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate made(X509_new());
  X509* const certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kLifeSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kLifeSeconds);
  X509_set_pubkey(certificate, key.get());
  X509_NAME* const name = X509_get_subject_name(certificate);
  const std::string words = "a provider in a test";
  X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(words.data()),
                             static_cast<int>(words.size()), -1, 0);
  X509_set_issuer_name(certificate, name);
  add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1");
  EXPECT_GT(X509_sign(certificate, key.get(), EVP_sha256()), 0);
  return {pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); }),
          pem_of([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace interlock::gateway::scenes
