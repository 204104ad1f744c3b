// expect: conversion from|no viable conversion
// Numbers of different meaning do not mix.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  base::Epsilon epsilon = *base::Delta::create(0.5);
#else
  base::Epsilon epsilon = *base::Epsilon::create(0.5);
#endif
}
