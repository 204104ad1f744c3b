// One description of a JSON document that both writes and reads it, so that the two cannot differ.
//
// A description names each field in order; writing keeps that order, reading is strict: every field
// must be there, with the right type, and nothing else.
//
//   void describe(JsonFields& json, RoundRow& row) { json.field("fold", row.fold); … }
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hanse::jobs {

class JsonFields {
 public:
  using Description = std::function<void(JsonFields&)>;

  // Two spaces a level, a final newline; doubles in the shortest form that reads back the same.
  static std::string write(const Description& describe);

  // Larger than `limit`, nested deeper than 16, over 1000 keys in an object or one twice, or not as
  // described: corruption with the path in the document. What the description fills is then half
  // filled.
  static base::Result<void> read(std::string_view text, std::size_t limit,
                                 const Description& describe);

  void field(std::string_view key, std::string& value);
  void field(std::string_view key, bool& value);
  void field(std::string_view key, int& value);
  void field(std::string_view key, std::uint32_t& value);
  void field(std::string_view key, std::uint64_t& value);
  void field(std::string_view key, double& value);                 // finite
  void field(std::string_view key, std::optional<double>& value);  // null where empty

  // An object, described by the function describe(JsonFields&, T&) beside T.
  template <class T>
    requires requires(JsonFields& json, T& value) { describe(json, value); }
  void field(std::string_view key, T& value) {
    object(key, [&](JsonFields& json) { describe(json, value); });
  }

  template <class T>
  void field(std::string_view key, std::vector<T>& values) {
    list(
        key, values.size(), [&](std::size_t size) { values.resize(size); },
        [&](std::size_t i) { item(i, values[i]); });
  }

  void object(std::string_view key, const Description& describe);

  // An object whose keys are data: `count` entries, named by `name` when writing and to it when
  // reading.
  void entries(std::string_view key, std::size_t count,
               const std::function<void(std::size_t)>& resize,
               const std::function<void(std::size_t, JsonFields&, std::string_view)>& entry,
               const std::function<std::string&(std::size_t)>& name);

  // Always this value; another one when reading is an error.
  void constant(std::string_view key, std::string_view value);
  // A template, lest a string literal become a bool.
  template <std::same_as<bool> T>
  void constant(std::string_view key, T value) {
    flag(key, value);
  }

  // For rules beyond types, when reading: the first failure wins.
  void refuse(std::string_view expected);
  bool reading() const { return reading_; }

 private:
  using Node = nlohmann::ordered_json;
  explicit JsonFields(Node& root, bool reading) : node_(&root), reading_(reading) {}

  template <class T>
  void item(std::size_t index, T& value) {
    if constexpr (requires(JsonFields& json) { describe(json, value); }) {
      at(index, [&](JsonFields& json) { describe(json, value); });
    } else {
      scalar(index, value);
    }
  }
  void list(std::string_view key, std::size_t size, const std::function<void(std::size_t)>& resize,
            const std::function<void(std::size_t)>& element);
  void at(std::size_t index, const Description& describe);
  void scalar(std::size_t index, std::string& value);
  void scalar(std::size_t index, double& value);
  void scalar(std::size_t index, std::uint64_t& value);

  void flag(std::string_view key, bool expected);
  template <class T>
  void value(std::string_view key, T& value);
  template <class T>
  void convert(Node& node, T& value);
  Node* child(std::string_view key);
  void within(Node& node, std::string step, const Description& describe);
  void finish_object();

  Node* node_;
  bool reading_;
  std::vector<std::string> seen_;  // keys of the present object, when reading
  std::string path_;
  std::optional<base::Error> error_;
};

}  // namespace hanse::jobs
