// expect: conversion from|no viable conversion
// Names of different things do not mix.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  base::SiteId site = *base::JobId::create("a");
#else
  base::SiteId site = *base::SiteId::create("a");
#endif
}
