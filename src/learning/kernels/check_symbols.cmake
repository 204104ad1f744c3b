# Fails if one of the ${OBJECTS} defines a weak symbol outside its own copy of Eigen: the linker
# keeps any one definition of a weak name, and a machine of a lower level could be given
# instructions that it lacks.

foreach(object ${OBJECTS})
  if(NOT object MATCHES "kernels_v([0-9])")
    message(FATAL_ERROR "'${object}' does not tell its level")
  endif()
  set(own "eigen_v${CMAKE_MATCH_1}")
  execute_process(COMMAND ${NM} --defined-only ${object} OUTPUT_VARIABLE symbols
                  COMMAND_ERROR_IS_FATAL ANY)
  if(NOT symbols MATCHES " T [^\n]*kernels_v${CMAKE_MATCH_1}")
    message(FATAL_ERROR "${object} lacks its entry: found '${symbols}'")
  endif()
  string(REGEX MATCHALL " [WVu] [^\n]+" weak "${symbols}")
  foreach(name ${weak})
    # DW.ref.__gxx_personality_v0 holds an address and no instruction.
    if(NOT name MATCHES "${own}" AND NOT name MATCHES " DW\\.ref\\.")
      message(SEND_ERROR "${object} shares a weak symbol with other objects:${name}")
    endif()
  endforeach()
endforeach()
