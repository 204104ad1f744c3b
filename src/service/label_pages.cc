#include "service/label_pages.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "jobs/recording_plot.h"
#include "jobs/report_charts.h"
#include "service/label_html.h"

namespace hanse::service {
namespace {

using active::LabelBook;
using base::ErrorCode;
using base::fail;
using base::Result;
using jobs::escaped;
using jobs::LabelDesk;
using transport::HttpReply;
using transport::HttpRequest;
using Json = nlohmann::ordered_json;

constexpr std::string_view kRoot = "/labels";
constexpr std::string_view kCookie = "hanse_labels=";
constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kListed = 200;  // items of a page
constexpr int kSeeOther = 303;

// No script, nothing from elsewhere, in nobody's frame, kept nowhere.
HttpReply html(int status, std::string body) {
  return {status,
          "text/html; charset=utf-8",
          std::move(body),
          {{"Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"},
           {"X-Content-Type-Options", "nosniff"},
           {"Referrer-Policy", "no-referrer"},
           {"Cache-Control", "no-store"}}};
}

HttpReply see(const std::string& where) {
  HttpReply reply = html(kSeeOther, "");
  reply.headers["Location"] = where;
  return reply;
}

HttpReply problem(const base::Error& error) {
  return html(base::error_row(error.code()).http_status, label_problem_page(error.text()));
}

HttpReply json(int status, std::string line) {
  return {status, "application/json", std::move(line) + "\n", {{"Cache-Control", "no-store"}}};
}

std::string field(const HttpRequest& request, const std::string& name) {
  const auto found = request.fields.find(name);
  return found == request.fields.end() ? std::string() : found->second;
}

// The value of our cookie among those that the browser sends.
std::string_view token_in(std::string_view cookies) {
  for (std::size_t at = 0; at < cookies.size();) {
    const std::size_t end = std::min(cookies.find(';', at), cookies.size());
    std::string_view one = cookies.substr(at, end - at);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (one.starts_with(kCookie)) return one.substr(kCookie.size());
    at = end + 1;
  }
  return {};
}

class LabelPages {
 public:
  LabelPages(LabelDesk& desk, LabelTokens tokens, const storage::Directory& directory,
             std::string folder)
      : desk_(desk),
        tokens_(std::move(tokens)),
        directory_(directory),
        folder_(std::move(folder)) {}

  HttpReply answer(const HttpRequest& request) const {
    const bool is_post = request.method == "POST";
    if (request.body.size() > kMaxLabelPost)
      return problem({ErrorCode::invalid_argument, "that is more than an answer needs"});
    if (request.authorization.starts_with(kBearer)) return by_service(request);
    // A token that was typed in or followed becomes a cookie, and leaves the address.
    if (const std::string token = field(request, "token"); !token.empty()) return enter(token);
    const auto who = tokens_.who(token_in(request.cookie));
    if (!who) return html(401, label_door_page(false));
    const std::string item = request.path.substr(std::min(request.path.size(), kRoot.size() + 1));
    if (item.empty()) return is_post ? see(std::string(kRoot)) : list(*who);
    return is_post ? by_form(*who, item, request) : show(*who, item, 200, "");
  }

 private:
  HttpReply enter(const std::string& token) const {
    if (!tokens_.who(token)) return html(401, label_door_page(true));
    HttpReply reply = see(std::string(kRoot));
    reply.headers["Set-Cookie"] =
        fmt::format("{}{}; Path={}; HttpOnly; SameSite=Lax", kCookie, token, kRoot);
    return reply;
  }

  HttpReply list(const std::string& who) const {
    const std::vector<base::Digest> open = desk_.waiting_for(who);
    return html(200, desk_.read([&](const LabelBook& book) {
      return label_list_page(book, who, open, kListed);
    }));
  }

  // Of a record out of a recording its group is the recording's name.
  std::string picture_of(const base::Digest& item) const {
    const std::string recording = desk_.read([&](const LabelBook& book) -> std::string {
      for (const auto& [column, value] : book.items().at(item).asked.shows)
        if (column == "group" && value.ends_with(".npy")) return value;
      return {};
    });
    if (recording.empty() || folder_.empty()) return {};
    const auto plot = jobs::recording_plot(directory_, folder_, recording);
    return plot ? *plot
                : fmt::format(R"(<p class="trouble">No picture: {}</p>)",
                              escaped(plot.error().text()));
  }

  HttpReply show(const std::string& who, const std::string& digits, int status,
                 const std::string& trouble) const {
    const auto item = desk_.find(digits);
    if (!item) return problem(item.error());
    const ItemView view{who, tokens_.form_proof(who, item->hex()), picture_of(*item), trouble};
    return html(status, desk_.read([&](const LabelBook& book) {
      return label_item_page(book, *item, view);
    }));
  }

  HttpReply by_form(const std::string& who, const std::string& item,
                    const HttpRequest& request) const {
    if (!tokens_.is_form_proof(who, item, field(request, "proof")))
      return problem({ErrorCode::permission_denied,
                      "this answer was not sent from this item's page: open the page, and answer "
                      "there"});
    jobs::order::AnswerLabel answer{.item = item,
                                    .annotator = who,
                                    .label = field(request, "label"),
                                    .corrects = field(request, "correct") == "1"};
    if (field(request, "skip") == "1") answer.label.reset();
    const auto taken = desk_.take(answer);
    if (!taken && taken.error().code() == ErrorCode::unavailable) return problem(taken.error());
    if (!taken)
      return show(who, item, base::error_row(taken.error().code()).http_status,
                  taken.error().text());
    const auto open = desk_.waiting_for(who);
    return see(std::string(kRoot) + (open.empty() ? "" : "/" + open.front().hex()));
  }

  HttpReply by_service(const HttpRequest& request) const {
    const auto who = tokens_.who(std::string_view(request.authorization).substr(kBearer.size()));
    const auto refused = [](const base::Error& error, int status) {
      const Json said{
          {"error", {{"code", base::error_row(error.code()).name}, {"text", error.text()}}}};
      return json(status, said.dump(-1, ' ', false, Json::error_handler_t::replace));
    };
    if (!who) return refused({ErrorCode::permission_denied, "no annotator has this token"}, 401);
    if (request.method != "POST" || request.path.size() <= kRoot.size() + 1)
      return refused({ErrorCode::invalid_argument, "expected POST /labels/ITEM"}, 405);
    const auto answer = answer_of(*who, request);
    if (!answer) return refused(answer.error(), base::error_row(answer.error().code()).http_status);
    const auto taken = desk_.take(*answer);
    if (!taken) return refused(taken.error(), base::error_row(taken.error().code()).http_status);
    return json(200, Json{{"item", taken->item.hex()}, {"said", taken->said}}.dump());
  }

  static Result<jobs::order::AnswerLabel> answer_of(const std::string& who,
                                                    const HttpRequest& request) {
    try {
      const Json body = Json::parse(request.body);
      jobs::order::AnswerLabel answer{.item = request.path.substr(kRoot.size() + 1),
                                      .annotator = who,
                                      .label = {},
                                      .corrects = body.value("correct", false)};
      if (!body.value("skip", false)) answer.label = body.at("label").get<std::string>();
      return answer;
    } catch (const std::exception&) {
      return fail(ErrorCode::invalid_argument,
                  R"(expected {{"label": "…"}} or {{"skip": true}}, and if it corrects what was )"
                  R"(said, "correct": true)");
    }
  }

  LabelDesk& desk_;
  const LabelTokens tokens_;
  const storage::Directory& directory_;
  const std::string folder_;
};

}  // namespace

std::string recordings_folder(const storage::Directory& directory, const std::string& data_path) {
  if (data_path.empty() || data_path.find("://") != std::string::npos) return {};
  if (directory.list(data_path)) return data_path;
  const std::size_t slash = data_path.rfind('/');
  return slash == std::string::npos ? "." : data_path.substr(0, slash);
}

transport::HttpApp label_pages(LabelDesk& desk, LabelTokens tokens,
                               const storage::Directory& directory, std::string folder) {
  const auto pages =
      std::make_shared<const LabelPages>(desk, std::move(tokens), directory, std::move(folder));
  return [pages](const HttpRequest& request) { return pages->answer(request); };
}

}  // namespace hanse::service
