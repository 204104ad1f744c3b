// expect: conversion from|no viable conversion
// An answer is clipped or an iterate, never a plain vector.
#include "chain.h"

using namespace hanse;

void run() {
#ifdef SHORTCUT
  query::Answer answer = std::vector<double>{1.0};
#else
  query::Answer answer = clipped();
#endif
}
