# Flags that hold for every target of the house.

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own std::stable_sort calls what it declares deprecated.
  add_compile_options(-Wno-deprecated-declarations)
endif()
# Checks stay on in release: a broken invariant aborts.
add_compile_definitions(_GLIBCXX_ASSERTIONS)
# One answer per instruction set: no contraction of a*b+c that differs from one translation unit to the next.
add_compile_options(-ffp-contract=off)

if(NOT HANSE_SANITIZE STREQUAL "")
  add_compile_options(-fsanitize=${HANSE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HANSE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's flow analysis loses its way in instrumented code (its bug 105562).
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()

find_program(HANSE_CCACHE ccache)
if(HANSE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HANSE_CCACHE})
endif()

find_program(HANSE_MOLD mold)
if(HANSE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
