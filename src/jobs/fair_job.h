// What a job does by class of sites: its [[class]], its [fairness], and the jobs that a fair
// training is compared with.
#pragma once

#include "jobs/job.h"
#include "jobs/toml_reader.h"

namespace hanse::jobs {

void read_classes(Section& root, std::vector<ClassSpec>& classes);

// The job's classes, each so large that what is counted of it is hidden among as many sites as any
// sum of the job; smaller ones are counted with a neighbour. Too few sites in all:
// failed_precondition.
base::Result<data::SiteClasses> joined_classes(const Job& job);

// That among these, the classes of the sites that a round asks, each class that anything of the job
// is counted by has so many sites as hide one: what [[class]] says of their number is the job's
// word. Else permission_denied.
base::Result<void> check_class_floor(const Job& job, std::span<const std::string> of_sites);

// After aggregation and classes.
void read_fairness(Section section, Job& job);

// A training with so much more l2 that weights stay small: what a method has to beat that only
// makes the easy class worse.
Job shrunk(Job job);
// A private training whose noise is nothing and whose clip binds nothing; all else stays.
Job noiseless(Job job);

// "calibration of 2 classes, excess_gap at most 0.05".
std::string in_words(const fairness::FairSpec& spec);

}  // namespace hanse::jobs
