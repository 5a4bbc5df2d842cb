// JWK sets of an identity provider. Whatever comes, a key is used or left out with a reason. A key that is used can
// check any signature.
#include <string>
#include <vector>

#include "auth/jwt_verifier.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audit::httpd;
  using audit::fuzz::require;
  const std::string_view json = audit::fuzz::as_text(data, size);
  std::vector<std::string> left_out;
  const KeySetPtr set = KeySet::from_json(json, left_out);
  require(set != nullptr || !left_out.empty() || json.find("keys") != std::string_view::npos);
  if (!set) return 0;
  for (const JsonWebKey& key : set->keys) {
    int count = 0;
    for (const char* name : {"RS256", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA", "HS256", "none"}) {
      const SignatureAlgorithm* algorithm = find_signature_algorithm(name);
      if (algorithm == nullptr || !key.fits(*algorithm)) continue;
      ++count;
      for (const std::size_t signature_size : {0, 1, 64, 96, 114, 132, 256, 257})
        require(!key.verifies(*algorithm, json, std::string(signature_size, '\x01')));
    }
    require(count > 0);
  }
  return 0;
}
