# hanse_room(NAME [LINKS library...] [PROTOS file...]) declares the room src/NAME as the library hanse_NAME.
#
# Sources are the room's *.cc, tests its *_test.cc (one binary, hanse_NAME_test). The rooms it may
# include come from rooms.json and from nowhere else: LINKS takes outside libraries only, and a
# hanse_ target there stops the configuration.

file(READ ${CMAKE_CURRENT_LIST_DIR}/../rooms.json HANSE_ROOMS)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/../rooms.json)

function(hanse_room_arrows name out)
  string(JSON count ERROR_VARIABLE missing LENGTH "${HANSE_ROOMS}" ${name})
  if(missing)
    message(FATAL_ERROR "room '${name}' is not in rooms.json: add it there with the rooms it includes")
  endif()
  set(arrows "")
  if(count GREATER 0)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON arrow GET "${HANSE_ROOMS}" ${name} ${i})
      list(APPEND arrows ${arrow})
    endforeach()
  endif()
  set(${out} ${arrows} PARENT_SCOPE)
endfunction()

function(hanse_room name)
  cmake_parse_arguments(ROOM "" "" "LINKS;PROTOS" ${ARGN})
  if(ROOM_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "hanse_room(${name}): unknown arguments '${ROOM_UNPARSED_ARGUMENTS}'")
  endif()
  hanse_room_arrows(${name} arrows)
  foreach(library ${ROOM_LINKS})
    if(library MATCHES "^hanse_")
      message(FATAL_ERROR "hanse_room(${name}): '${library}' is a room; list it in rooms.json")
    endif()
  endforeach()

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  add_library(hanse_${name} STATIC ${sources})
  target_include_directories(hanse_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(hanse_${name} PUBLIC ${ROOM_LINKS})
  foreach(arrow ${arrows})
    if(NOT TARGET hanse_${arrow})
      message(FATAL_ERROR "hanse_room(${name}): '${arrow}' stands on no lower floor")
    endif()
    target_link_libraries(hanse_${name} PUBLIC hanse_${arrow})
  endforeach()
  foreach(proto ${ROOM_PROTOS})
    hanse_proto(hanse_${name} ${proto})
  endforeach()
  if(HANSE_TESTS AND tests)
    hanse_test(hanse_${name}_test SOURCES ${tests} LINKS hanse_${name})
  endif()
endfunction()

# Generated code is not ours to warn about: it goes into an object library of its own.
function(hanse_proto target proto)
  get_filename_component(stem ${proto} NAME_WE)
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR}/${proto})
  get_filename_component(folder ${folder} DIRECTORY)
  set(out ${CMAKE_BINARY_DIR}/proto)
  add_custom_command(
    OUTPUT ${out}/${folder}/${stem}.pb.cc ${out}/${folder}/${stem}.pb.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
    COMMAND protobuf::protoc --cpp_out=${out} -I ${CMAKE_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto}
    VERBATIM)
  add_library(${target}_proto STATIC ${out}/${folder}/${stem}.pb.cc ${out}/${folder}/${stem}.pb.h)
  target_compile_options(${target}_proto PRIVATE -w)
  target_include_directories(${target}_proto SYSTEM PUBLIC ${out})
  target_link_libraries(${target}_proto PUBLIC protobuf::libprotobuf)
  target_link_libraries(${target} PUBLIC ${target}_proto)
endfunction()

# hanse_test(NAME SOURCES file... [LINKS library...] [SLOW]): one GoogleTest binary, each case its own ctest test.
# A case may take 60 s, a SLOW one 300 s (times 20 under a sanitizer): what hangs is found, and a busy
# machine is not. tools/tidy says which cases are to be called slow.
function(hanse_test name)
  cmake_parse_arguments(TEST "SLOW" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} GTest::gmock GTest::gtest_main rapidcheck rapidcheck_gtest)
  target_compile_definitions(${name} PRIVATE HANSE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set(limit 60)
  set(labels "")
  if(TEST_SLOW)
    set(limit 300)
    set(labels LABELS slow)
  endif()
  if(NOT HANSE_SANITIZE STREQUAL "")
    math(EXPR limit "${limit} * 20")
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${limit} ${labels})
endfunction()
