#include "jobs/json_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

namespace hanse::jobs {
namespace {

using base::ErrorCode;
using base::Result;
using Node = nlohmann::ordered_json;

// Our documents nest eight levels; deeper ones are made to exhaust memory.
constexpr int kMaxDepth = 16;

// Finding a key in an ordered object takes a look at all before it.
constexpr std::size_t kMaxKeys = 1000;

constexpr std::size_t kShownBytes = 60;

// Refuses depth and repeated keys while the text is still being parsed.
class Watch {
 public:
  bool operator()(int depth, Node::parse_event_t event, Node& parsed) {
    if (depth > kMaxDepth) problem_ = fmt::format("nested deeper than {} levels", kMaxDepth);
    switch (event) {
      case Node::parse_event_t::object_start:
        keys_.emplace_back();
        break;
      case Node::parse_event_t::object_end:
        if (!keys_.empty()) keys_.pop_back();
        break;
      case Node::parse_event_t::key:
        if (keys_.back().size() == kMaxKeys)
          problem_ = fmt::format("more than {} keys in one object", kMaxKeys);
        else if (!keys_.back().insert(parsed.get_ref<const std::string&>()).second)
          problem_ = fmt::format("the key '{}' twice in one object",
                                 parsed.get_ref<const std::string&>().substr(0, kShownBytes));
        break;
      default:
        break;
    }
    return problem_.empty();
  }
  const std::string& problem() const { return problem_; }

 private:
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

std::string shown(const Node& node) {
  std::string text = node.dump(-1, ' ', false, Node::error_handler_t::replace);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "…";
  return fmt::format("{} {}", node.type_name(), text);
}

template <class T>
std::string expected_type() {
  if constexpr (std::is_same_v<T, std::string>) return "a string";
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, double>) return "a number";
  if constexpr (std::is_same_v<T, std::optional<double>>) return "a number or null";
  return fmt::format("a whole number from {} to {}",
                     std::numeric_limits<std::conditional_t<std::is_integral_v<T>, T, int>>::min(),
                     std::numeric_limits<std::conditional_t<std::is_integral_v<T>, T, int>>::max());
}

// False where the node holds another type or a number out of range.
template <class T>
bool read_node(const Node& node, T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (!node.is_string()) return false;
    value = node.get_ref<const std::string&>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!node.is_boolean()) return false;
    value = node.get<bool>();
  } else if constexpr (std::is_same_v<T, double>) {
    if (!node.is_number() || !std::isfinite(node.get<double>())) return false;
    value = node.get<double>();
  } else if constexpr (std::is_same_v<T, std::optional<double>>) {
    value.reset();
    if (node.is_null()) return true;
    double number = 0;
    if (!read_node(node, number)) return false;
    value = number;
  } else {
    if (!node.is_number_integer()) return false;
    if (node.is_number_unsigned()) {
      if (!std::in_range<T>(node.get<std::uint64_t>())) return false;
      value = static_cast<T>(node.get<std::uint64_t>());
    } else {
      if (!std::in_range<T>(node.get<std::int64_t>())) return false;
      value = static_cast<T>(node.get<std::int64_t>());
    }
  }
  return true;
}

template <class T>
Node written(const T& value) {
  if constexpr (std::is_same_v<T, double>) {
    HANSE_CHECK(std::isfinite(value));
    return value;
  } else if constexpr (std::is_same_v<T, std::optional<double>>) {
    return value ? written(*value) : Node(nullptr);
  } else {
    return value;
  }
}

}  // namespace

std::string JsonFields::write(const Description& describe) {
  Node root = Node::object();
  JsonFields json(root, false);
  describe(json);
  return root.dump(2, ' ', false, Node::error_handler_t::replace) + "\n";
}

Result<void> JsonFields::read(std::string_view text, std::size_t limit,
                              const Description& describe) {
  if (text.size() > limit)
    return base::fail(ErrorCode::corruption, "expected at most {} bytes of JSON, found {}", limit,
                      text.size());
  Watch watch;
  Node root = Node::parse(
      text,
      [&](int depth, Node::parse_event_t event, Node& node) { return watch(depth, event, node); },
      false);
  if (!watch.problem().empty())
    return base::fail(ErrorCode::corruption, "unexpected JSON: {}", watch.problem());
  if (root.is_discarded())
    return base::fail(ErrorCode::corruption, "expected JSON, found text that is not: '{}…'",
                      text.substr(0, kShownBytes));
  if (!root.is_object())
    return base::fail(ErrorCode::corruption, "expected an object, found {}", shown(root));
  JsonFields json(root, true);
  describe(json);
  json.finish_object();
  if (json.error_) return base::fail(*std::move(json.error_));
  return {};
}

// The node at `key`: made when writing; when reading, null after an error.
JsonFields::Node* JsonFields::child(std::string_view key) {
  if (!reading_) return &(*node_)[std::string(key)];
  if (error_) return nullptr;
  seen_.emplace_back(key);
  const auto found = node_->find(std::string(key));
  if (found == node_->end()) {
    refuse(fmt::format("the key '{}', which is missing", key));
    return nullptr;
  }
  return &*found;
}

template <class T>
void JsonFields::convert(Node& node, T& value) {
  if (!reading_) {
    node = written(value);
  } else if (!read_node(node, value)) {
    refuse(fmt::format("{}; found {}", expected_type<T>(), shown(node)));
  }
}

template <class T>
void JsonFields::value(std::string_view key, T& value) {
  if (Node* node = child(key))
    within(*node, fmt::format(".{}", key), [&](JsonFields& json) { json.convert(*node, value); });
}

void JsonFields::field(std::string_view key, std::string& v) { value(key, v); }
void JsonFields::field(std::string_view key, bool& v) { value(key, v); }
void JsonFields::field(std::string_view key, int& v) { value(key, v); }
void JsonFields::field(std::string_view key, std::uint32_t& v) { value(key, v); }
void JsonFields::field(std::string_view key, std::uint64_t& v) { value(key, v); }
void JsonFields::field(std::string_view key, double& v) { value(key, v); }
void JsonFields::field(std::string_view key, std::optional<double>& v) { value(key, v); }

// Describes a node below the present one, then returns to it.
void JsonFields::within(Node& node, std::string step, const Description& describe) {
  Node* const above = std::exchange(node_, &node);
  std::vector<std::string> seen = std::exchange(seen_, {});
  const std::size_t length = path_.size();
  path_ += step;
  describe(*this);
  node_ = above;
  seen_ = std::move(seen);
  path_.resize(length);
}

void JsonFields::finish_object() {
  if (!reading_ || error_) return;
  for (const auto& [key, node] : node_->items())
    if (std::ranges::find(seen_, key) == seen_.end())
      return refuse(fmt::format("only the keys {}; found '{}'", fmt::join(seen_, ", "),
                                key.substr(0, kShownBytes)));
}

void JsonFields::object(std::string_view key, const Description& describe) {
  Node* node = child(key);
  if (!node) return;
  within(*node, fmt::format(".{}", key), [&](JsonFields& json) {
    if (!reading_) *node = Node::object();
    if (!node->is_object()) return refuse(fmt::format("an object; found {}", shown(*node)));
    describe(json);
    finish_object();
  });
}

void JsonFields::entries(
    std::string_view key, std::size_t count, const std::function<void(std::size_t)>& resize,
    const std::function<void(std::size_t, JsonFields&, std::string_view)>& entry,
    const std::function<std::string&(std::size_t)>& name) {
  object(key, [&](JsonFields& json) {
    if (!reading_) {
      for (std::size_t i = 0; i < count; ++i) entry(i, json, name(i));
      return;
    }
    resize(node_->size());
    std::size_t i = 0;
    for (const auto& [found, node] : node_->items()) {
      name(i) = found;
      entry(i++, json, found);
    }
  });
}

void JsonFields::list(std::string_view key, std::size_t size,
                      const std::function<void(std::size_t)>& resize,
                      const std::function<void(std::size_t)>& element) {
  Node* node = child(key);
  if (!node) return;
  within(*node, fmt::format(".{}", key), [&](JsonFields&) {
    if (!reading_) *node = Node::array();
    if (!node->is_array()) return refuse(fmt::format("a list; found {}", shown(*node)));
    if (reading_) resize(size = node->size());
    for (std::size_t i = 0; i < size && !error_; ++i) {
      if (!reading_) node->push_back(nullptr);
      element(i);
    }
  });
}

void JsonFields::at(std::size_t index, const Description& describe) {
  Node& node = (*node_)[index];
  within(node, fmt::format("[{}]", index), [&](JsonFields& json) {
    if (!reading_) node = Node::object();
    if (!node.is_object()) return refuse(fmt::format("an object; found {}", shown(node)));
    describe(json);
    finish_object();
  });
}

void JsonFields::scalar(std::size_t index, std::string& value) { convert((*node_)[index], value); }
void JsonFields::scalar(std::size_t index, double& value) { convert((*node_)[index], value); }
void JsonFields::scalar(std::size_t index, std::uint64_t& value) {
  convert((*node_)[index], value);
}

void JsonFields::constant(std::string_view key, std::string_view expected) {
  std::string value(expected);
  field(key, value);
  if (value != expected) refuse(fmt::format("{} to be '{}'; found '{}'", key, expected, value));
}

void JsonFields::flag(std::string_view key, bool expected) {
  bool value = expected;
  field(key, value);
  if (value != expected) refuse(fmt::format("{} to be {}; found {}", key, expected, value));
}

void JsonFields::refuse(std::string_view expected) {
  if (!error_)
    error_ = base::Error(
        ErrorCode::corruption,
        fmt::format("at {}: expected {}", path_.empty() ? "the top" : path_.substr(1), expected));
}

}  // namespace hanse::jobs
