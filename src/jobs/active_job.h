// What a job does where it labels records in cycles: its [active], the models of its cycles, and
// the jobs that it is compared with.
#pragma once

#include "active/active_training.h"
#include "jobs/job.h"
#include "jobs/toml_reader.h"
#include "learning/iterate.h"

namespace hanse::jobs {

// After aggregation and classes.
void read_active(Section section, Job& job);

// Where every training of the job begins: parameters drawn from its seed.
learning::Model initial_model(const Job& job, learning::Architecture architecture);

// What its histograms say of the classes that it watches: their losses and the gap.
active::WatchedFacts watched_facts(const active::ActiveSpec& spec);

// The job with as many labels at the same cost, chosen by coins alone.
Job with_uniform_labels(Job job);

// Rounds of the whole that a cycle ends with, from 1 on: after them its model is there.
std::vector<std::uint32_t> ends_of_cycles(const Job& job);

// Whether a round is the first to say what a cycle chose. Where experts label, its first attempt is
// what asks them: nobody answers it, and the next comes when their time is over.
bool brings_choice(const Job& job, std::uint32_t round);

// The model of each cycle, from the iterate that the whole training led to: released models that
// later plans carried, and the last.
base::Result<std::vector<learning::Model>> models_of_cycles(const Job& job,
                                                            const data::Schema& schema,
                                                            const learning::Iterate& last);

// Labels that the fleet was granted by the end of each cycle: public.
std::vector<double> labels_granted(const active::ActiveSpec& spec);

// "margin above the fleet's threshold, by predicted label: 60 labels, then 3 × 60".
std::string in_words(const active::ActiveSpec& spec);

}  // namespace hanse::jobs
