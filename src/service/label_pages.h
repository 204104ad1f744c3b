// Pages for annotators, on the address that a site serves its metrics on.
// docs/operating/labels.md
#pragma once

#include "jobs/label_desk.h"
#include "service/label_tokens.h"
#include "transport/http.h"

namespace hanse::service {

// A form with the longest label, and a service's JSON.
inline constexpr std::size_t kMaxLabelPost = 4096;

// Where recordings lie; empty: nowhere, and no picture is drawn.
std::string recordings_folder(const storage::Directory& directory, const std::string& data_path);

// Under /labels. An annotator shows who he is by his token: typed in, at ?token=, or as a bearer's;
// a browser keeps it in a cookie. Nothing is said to anybody else. Desk and directory outlive it;
// called side by side.
//
//   GET  /labels        what waits for him
//   GET  /labels/ITEM   what he sees of one, and the labels to choose from
//   POST /labels/ITEM   a form's answer; or, from a bearer, {"label": "ball"} or {"skip": true},
//                       with "correct": true to take back what was said
transport::HttpApp label_pages(jobs::LabelDesk& desk, LabelTokens tokens,
                               const storage::Directory& directory, std::string folder);

}  // namespace hanse::service
