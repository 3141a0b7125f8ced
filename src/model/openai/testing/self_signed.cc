#include "model/openai/testing/self_signed.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

namespace tessy {
namespace {

template <class T, void (*kFree)(T*)>
struct Freer {
  void operator()(T* pointer) const { kFree(pointer); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION, X509_EXTENSION_free>>;

bool Extend(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate Sign(EVP_PKEY* key) {
  constexpr long kDay = 24L * 60 * 60;
  Certificate certificate(X509_new());
  X509* x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(x), kDay);
  X509_set_pubkey(x, key);
  X509_NAME* name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                             -1, -1, 0);
  X509_set_issuer_name(x, name);
  const bool done = Extend(x, NID_basic_constraints, "critical,CA:TRUE") &&
                    Extend(x, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1") &&
                    X509_sign(x, key, EVP_sha256()) > 0;
  return done ? std::move(certificate) : nullptr;
}

template <class F>
Status WriteTo(const std::string& path, F&& write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  const bool written = file != nullptr && write(file);
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (!written || !closed) return Fail(ErrorCode::kIo, path + ": cannot be written");
  return {};
}

}  // namespace

Status WriteSelfSigned(const std::string& certificate_file, const std::string& key_file) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? Sign(key.get()) : nullptr;
  if (!certificate) return Fail(ErrorCode::kBackend, "OpenSSL makes no certificate");
  if (auto status = WriteTo(certificate_file,
                            [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()) == 1; });
      !status) {
    return status;
  }
  return WriteTo(key_file, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  });
}

}  // namespace tessy
