#include "learning/options.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

namespace hanse::learning {
namespace {

using Json = nlohmann::ordered_json;

// A plan's options are three objects deep; more is an attack on the parser's stack.
constexpr int kMaxDepth = 4;

tl::unexpected<base::Error> wrong(std::string_view where, std::string_view expected,
                                  std::string_view found) {
  return base::fail(base::ErrorCode::invalid_argument,
                    "plan options: '{}' must be {}, found {}; site and coordinator must run the "
                    "same version",
                    where, expected, found);
}

base::Result<void> expect_keys(const Json& object, std::string_view where,
                               std::initializer_list<std::string_view> keys) {
  if (!object.is_object()) return wrong(where, "an object", object.type_name());
  for (const auto& [key, value] : object.items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return wrong(where, "without unknown keys", key.substr(0, 64));
  for (const std::string_view key : keys)
    if (!object.contains(key))
      return wrong(where, "complete", std::string("no ") + std::string(key));
  return {};
}

base::Result<double> number(const Json& object, std::string_view key) {
  const Json& value = object.at(std::string(key));
  if (!value.is_number()) return wrong(key, "a number", value.type_name());
  return value.get<double>();
}

base::Result<std::uint32_t> count(const Json& value, std::string_view key) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMax)
    return wrong(key, "a whole number of 32 bits",
                 value.is_number() ? "another number" : value.type_name());
  return value.get<std::uint32_t>();
}

base::Result<std::string> text(const Json& object, std::string_view key) {
  const Json& value = object.at(std::string(key));
  if (!value.is_string()) return wrong(key, "a text", value.type_name());
  return value.get<std::string>();
}

base::Result<Architecture> architecture_from(const Json& json) {
  HANSE_TRY_VOID(
      expect_keys(json, "architecture", {"kind", "inputs", "hidden", "outputs", "task", "l2"}));
  ArchitectureSpec spec;
  HANSE_TRY(const std::string kind, text(json, "kind"));
  HANSE_TRY(spec.kind, model_kind(kind));
  HANSE_TRY(const std::string task, text(json, "task"));
  HANSE_TRY(spec.task, task_named(task));
  HANSE_TRY(spec.inputs, count(json.at("inputs"), "inputs"));
  HANSE_TRY(spec.outputs, count(json.at("outputs"), "outputs"));
  HANSE_TRY(spec.l2, number(json, "l2"));
  const Json& hidden = json.at("hidden");
  if (!hidden.is_array()) return wrong("hidden", "an array", hidden.type_name());
  for (const Json& width : hidden) {
    HANSE_TRY(const std::uint32_t value, count(width, "hidden"));
    spec.hidden.push_back(value);
  }
  return Architecture::create(std::move(spec));
}

base::Result<OptimiserSpec> optimiser_from(const Json& json) {
  HANSE_TRY_VOID(expect_keys(json, "optimiser",
                             {"kind", "learning_rate", "momentum", "beta1", "beta2", "epsilon"}));
  OptimiserSpec spec;
  HANSE_TRY(const std::string kind, text(json, "kind"));
  HANSE_TRY(spec.kind, optimiser_kind(kind));
  HANSE_TRY(spec.learning_rate, number(json, "learning_rate"));
  HANSE_TRY(spec.momentum, number(json, "momentum"));
  HANSE_TRY(spec.beta1, number(json, "beta1"));
  HANSE_TRY(spec.beta2, number(json, "beta2"));
  HANSE_TRY(spec.epsilon, number(json, "epsilon"));
  return spec;
}

base::Result<LearnerSpec> learner_from(const Json& json) {
  HANSE_TRY_VOID(expect_keys(json, "learner", {"optimiser", "epochs", "batch", "mu", "clip"}));
  LearnerSpec spec;
  HANSE_TRY(spec.optimiser, optimiser_from(json.at("optimiser")));
  HANSE_TRY(spec.epochs, count(json.at("epochs"), "epochs"));
  HANSE_TRY(spec.batch, count(json.at("batch"), "batch"));
  HANSE_TRY(spec.mu, number(json, "mu"));
  HANSE_TRY(spec.clip, number(json, "clip"));
  HANSE_TRY_VOID(check_learner(spec));
  return spec;
}

base::Result<double> positive(const Json& object, std::string_view key) {
  HANSE_TRY(const double value, number(object, key));
  if (!(std::isfinite(value) && value > 0)) return wrong(key, "above 0", fmt::format("{}", value));
  return value;
}

base::Result<bool> flag(const Json& object, std::string_view key) {
  const Json& value = object.at(std::string(key));
  if (!value.is_boolean()) return wrong(key, "true or false", value.type_name());
  return value.get<bool>();
}

base::Result<PrivateOptions> private_from(const Json& json, bool local) {
  HANSE_TRY_VOID(expect_keys(json, "private", {"scale", "mapped", "units", "multiplier"}));
  PrivateOptions options;
  HANSE_TRY(options.scale, positive(json, "scale"));
  HANSE_TRY(options.mapped, flag(json, "mapped"));
  for (const auto& [key, value] :
       {std::pair{"units", &options.units}, std::pair{"multiplier", &options.multiplier}}) {
    HANSE_TRY(*value, local ? positive(json, key) : number(json, key));
    if (!local && *value != 0) return wrong(key, "0 where sites take no steps", "another number");
  }
  return options;
}

base::Result<MomentsOptions> moments_from(const Json& json) {
  HANSE_TRY_VOID(expect_keys(json, "moments", {"targets", "scale"}));
  MomentsOptions options;
  HANSE_TRY(options.targets, flag(json, "targets"));
  HANSE_TRY(options.scale, positive(json, "scale"));
  return options;
}

base::Result<MetricsOptions> metrics_from(const Json& json) {
  HANSE_TRY_VOID(expect_keys(json, "metrics", {"clip"}));
  HANSE_TRY(const double clip, positive(json, "clip"));
  return MetricsOptions{clip};
}

base::Result<std::vector<std::string>> names_from(const Json& names) {
  if (!names.is_array()) return wrong("classes", "an array", names.type_name());
  std::vector<std::string> joined;
  for (const Json& name : names) {
    if (!name.is_string()) return wrong("classes", "names", name.type_name());
    joined.push_back(name.get<std::string>());
  }
  return joined;
}

base::Result<ClassFactors> factors_from(const Json& json, const char* key, const char* of_class) {
  ClassFactors factors;
  if (!json.is_array() || json.size() > data::kMaxSiteClasses)
    return wrong(key, "an array of at most 64", json.type_name());
  for (const Json& one : json) {
    HANSE_TRY_VOID(expect_keys(one, key, {"classes", of_class}));
    HANSE_TRY(factors.classes.emplace_back(), names_from(one.at("classes")));
    HANSE_TRY(factors.factors.emplace_back(), positive(one, of_class));
    if (factors.factors.back() > 1)
      return wrong(of_class, "at most 1", fmt::format("{}", factors.factors.back()));
  }
  HANSE_TRY_VOID(data::check_classes(factors.classes));
  return factors;
}

base::Result<data::SiteClasses> norm_classes_from(const Json& json) {
  data::SiteClasses classes;
  if (!json.is_array() || json.empty() || json.size() > data::kMaxSiteClasses)
    return wrong("norm_classes", "an array of 1 to 64", json.type_name());
  for (const Json& one : json) {
    HANSE_TRY(classes.emplace_back(), names_from(one));
  }
  HANSE_TRY_VOID(data::check_classes(classes));
  return classes;
}

base::Result<void> expect_option_keys(Json json) {
  if (!json.contains("learner") && !json.contains("moments") && !json.contains("metrics")) {
    json.erase("class_weights");
    if (json.contains("private"))
      for (const auto* key : {"class_clips", "norm_classes"}) json.erase(key);
  }
  for (const auto* alone : {"moments", "metrics"})
    if (json.contains(alone)) return expect_keys(json, "options", {"architecture", alone});
  const bool local = json.contains("learner");
  if (!json.contains("private"))
    return local ? expect_keys(json, "options", {"architecture", "learner"})
                 : expect_keys(json, "options", {"architecture"});
  return local ? expect_keys(json, "options", {"architecture", "learner", "private"})
               : expect_keys(json, "options", {"architecture", "private"});
}

// Null for what is not JSON, nests too deep or repeats a key: a reader must not have to guess which
// of two values is meant.
Json parse(std::string_view text_of_json) {
  std::vector<std::set<std::string>> keys;
  bool sound = true;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) sound = false;
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      sound = false;
    return sound;
  };
  const Json json = Json::parse(text_of_json, check, /*allow_exceptions=*/false);
  return sound && !json.is_discarded() ? json : Json();
}

}  // namespace

std::string to_json(const Options& options) {
  const ArchitectureSpec& spec = options.architecture.spec();
  Json json;
  json["architecture"] = {{"kind", name_of(spec.kind)}, {"inputs", spec.inputs},
                          {"hidden", spec.hidden},      {"outputs", spec.outputs},
                          {"task", name_of(spec.task)}, {"l2", spec.l2}};
  if (options.learner) {
    const LearnerSpec& learner = *options.learner;
    const OptimiserSpec& optimiser = learner.optimiser;
    json["learner"] = {{"optimiser",
                        {{"kind", name_of(optimiser.kind)},
                         {"learning_rate", optimiser.learning_rate},
                         {"momentum", optimiser.momentum},
                         {"beta1", optimiser.beta1},
                         {"beta2", optimiser.beta2},
                         {"epsilon", optimiser.epsilon}}},
                       {"epochs", learner.epochs},
                       {"batch", learner.batch},
                       {"mu", learner.mu},
                       {"clip", learner.clip}};
  }
  if (options.privacy)
    json["private"] = {{"scale", options.privacy->scale},
                       {"mapped", options.privacy->mapped},
                       {"units", options.privacy->units},
                       {"multiplier", options.privacy->multiplier}};
  if (options.moments)
    json["moments"] = {{"targets", options.moments->targets}, {"scale", options.moments->scale}};
  if (options.metrics) json["metrics"] = {{"clip", options.metrics->clip}};
  const auto add = [&json](const char* key, const char* of_class,
                           const std::optional<ClassFactors>& factors) {
    for (std::size_t c = 0; factors && c < factors->classes.size(); ++c)
      json[key].push_back({{"classes", factors->classes[c]}, {of_class, factors->factors[c]}});
  };
  add("class_weights", "weight", options.class_weights);
  add("class_clips", "clip", options.class_clips);
  if (!options.norm_classes.empty()) json["norm_classes"] = options.norm_classes;
  return json.dump();
}

base::Result<double> factor_of(const std::optional<ClassFactors>& factors,
                               const data::Dataset& records) {
  if (!factors) return 1.0;
  HANSE_TRY(const auto places, data::places_of(records, factors->classes));
  double factor = 1;
  for (const std::uint32_t place : places) factor = std::min(factor, factors->factors[place]);
  return factor;
}

base::Result<Options> options_from_json(std::string_view options) {
  if (options.size() > kMaxOptionsBytes)
    return base::fail(base::ErrorCode::invalid_argument,
                      "plan options are at most {} bytes, found {}", kMaxOptionsBytes,
                      options.size());
  const Json json = parse(options);
  if (!json.is_object())
    return wrong("options", "one JSON object without repeated keys", "something else");
  HANSE_TRY_VOID(expect_option_keys(json));
  HANSE_TRY(Architecture architecture, architecture_from(json.at("architecture")));
  Options result{.architecture = std::move(architecture), .learner = {}};
  if (json.contains("learner")) {
    HANSE_TRY(result.learner, learner_from(json.at("learner")));
  }
  if (json.contains("private")) {
    HANSE_TRY(result.privacy, private_from(json.at("private"), result.learner.has_value()));
  }
  if (json.contains("moments")) {
    HANSE_TRY(result.moments, moments_from(json.at("moments")));
  }
  if (json.contains("metrics")) {
    HANSE_TRY(result.metrics, metrics_from(json.at("metrics")));
  }
  if (json.contains("class_weights")) {
    HANSE_TRY(result.class_weights,
              factors_from(json.at("class_weights"), "class_weights", "weight"));
  }
  if (json.contains("class_clips")) {
    HANSE_TRY(result.class_clips, factors_from(json.at("class_clips"), "class_clips", "clip"));
  }
  if (json.contains("norm_classes")) {
    HANSE_TRY(result.norm_classes, norm_classes_from(json.at("norm_classes")));
  }
  return result;
}

}  // namespace hanse::learning
