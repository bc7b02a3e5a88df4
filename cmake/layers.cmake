# The layers: proto <- core <- storage <- net <- cmd. A layer sees only its own folder and what stands left of it:
# build/<preset>/view/<layer> holds one link, to that folder, and is the only include path the layer gives.

add_library(logi_flags INTERFACE)
target_compile_options(logi_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-aliasing -Wformat=2 -Wvla -Wswitch-enum
    $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes>
    -fstack-protector-strong)
target_compile_definitions(logi_flags INTERFACE _GNU_SOURCE)

set(logi_view ${PROJECT_BINARY_DIR}/view)
foreach(layer proto core storage net cmd)
    file(MAKE_DIRECTORY ${logi_view}/${layer})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${layer} ${logi_view}/${layer}/${layer} SYMBOLIC)
endforeach()
set(logi_sees_proto proto)
set(logi_sees_core core proto)
set(logi_sees_storage storage core proto)
set(logi_sees_net net storage core proto)
set(logi_sees_cmd cmd net storage core proto)

# A module is a subfolder of a layer: logi_module(core base SOURCES a.c DEPS core_model LIBS logi_dep_zstd)
# makes the static library logi_core_base.
function(logi_module layer name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBS" ${ARGN})
    set(target logi_${layer}_${name})
    add_library(${target} STATIC ${arg_SOURCES})
    foreach(seen ${logi_sees_${layer}})
        target_include_directories(${target} PUBLIC ${logi_view}/${seen})
    endforeach()
    list(TRANSFORM arg_DEPS PREPEND logi_)
    target_link_libraries(${target} PUBLIC ${arg_DEPS} ${arg_LIBS} Threads::Threads PRIVATE logi_flags)
endfunction()

# A unit test is one file, one executable, one ctest case: logi_test(core arena DEPS core_base) builds test_arena.c.
function(logi_test layer noun)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBS" ${ARGN})
    add_executable(test_${noun} test_${noun}.c ${arg_SOURCES})
    foreach(seen ${logi_sees_${layer}})
        target_include_directories(test_${noun} PRIVATE ${logi_view}/${seen})
    endforeach()
    target_include_directories(test_${noun} PRIVATE ${PROJECT_SOURCE_DIR})
    list(TRANSFORM arg_DEPS PREPEND logi_)
    target_link_libraries(test_${noun} PRIVATE ${arg_DEPS} ${arg_LIBS} cmocka logi_flags)
    add_test(NAME unit.${layer}.${noun} COMMAND test_${noun} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

# A fuzz target is fuzz_<noun>.c with LLVMFuzzerTestOneInput and a folder corpus/<noun>. With LOGI_FUZZ it is linked
# with libFuzzer; always, it is linked with replay.c, which runs the corpus as an ordinary test.
function(logi_fuzz noun)
    cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
    list(TRANSFORM arg_DEPS PREPEND logi_)
    if(LOGI_FUZZ)
        add_executable(fuzz_${noun} fuzz_${noun}.c)
        target_link_options(fuzz_${noun} PRIVATE -fsanitize=fuzzer)
        set(targets fuzz_${noun})
    endif()
    add_executable(fuzz_replay_${noun} fuzz_${noun}.c replay.c)
    foreach(target ${targets} fuzz_replay_${noun})
        foreach(seen ${logi_sees_cmd})
            target_include_directories(${target} PRIVATE ${logi_view}/${seen})
        endforeach()
        target_link_libraries(${target} PRIVATE ${arg_DEPS} ${arg_LIBS} logi_flags)
    endforeach()
    add_test(NAME fuzz.${noun} COMMAND fuzz_replay_${noun} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${noun})
endfunction()

# A benchmark is bench_<noun>.c: an executable of that name, run by hand or by bench/run.sh.
function(logi_bench noun)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBS" ${ARGN})
    add_executable(bench_${noun} bench_${noun}.c ${arg_SOURCES})
    foreach(seen ${logi_sees_cmd})
        target_include_directories(bench_${noun} PRIVATE ${logi_view}/${seen})
    endforeach()
    target_include_directories(bench_${noun} PRIVATE ${PROJECT_SOURCE_DIR})
    list(TRANSFORM arg_DEPS PREPEND logi_)
    target_link_libraries(bench_${noun} PRIVATE ${arg_DEPS} ${arg_LIBS} logi_flags)
endfunction()

# Every subfolder that has a CMakeLists.txt is a module (or its tests): there is no list to forget one in.
macro(logi_subfolders)
    file(GLOB folders CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
    foreach(folder ${folders})
        get_filename_component(folder ${folder} DIRECTORY)
        add_subdirectory(${folder})
    endforeach()
endmacro()
