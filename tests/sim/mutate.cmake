# Breaks a copy of a source file on purpose.
#
#     cmake -DMUTANT=FILE -DROOT=DIR -DOUT=DIR -P mutate.cmake
#
# A mutant is a text file: `says:` what is broken, `in:` the source, then one or more pairs of `--- from` and `--- to`. Each
# from must occur exactly once. OUT/mutated.c is the broken copy, OUT/mutation.c tells the simulation what it is. When the source has
# changed and a pair does not fit, the copy is left whole and the simulation says so: the test fails, and not the build.
# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.23)

# The text between two marks, without the line ends about it
function(between text first last result)
	string(FIND "${text}" "${first}" at)
	if(at EQUAL -1)
		message(FATAL_ERROR "${MUTANT}: no '${first}'")
	endif()
	string(LENGTH "${first}" length)
	math(EXPR at "${at} + ${length}")
	string(SUBSTRING "${text}" ${at} -1 text)
	string(FIND "${text}" "${last}" end)
	string(SUBSTRING "${text}" 0 ${end} text)
	set(${result} "${text}" PARENT_SCOPE)
endfunction()

function(count_of text part result)
	string(LENGTH "${text}" before)
	string(REPLACE "${part}" "" without "${text}")
	string(LENGTH "${without}" after)
	string(LENGTH "${part}" one)
	math(EXPR n "(${before} - ${after}) / ${one}")
	set(${result} ${n} PARENT_SCOPE)
endfunction()

file(READ "${MUTANT}" text)
between("${text}" "says: " "\n" says)
between("${text}" "in: " "\n" source)
file(READ "${ROOT}/${source}" whole)
set(broken "${whole}")
set(applied true)
string(FIND "${text}" "--- from\n" at)
while(NOT at EQUAL -1)
	string(SUBSTRING "${text}" ${at} -1 text)
	between("${text}" "--- from\n" "\n--- to" from)
	between("${text}" "--- to" "\n---" to) # of the last pair, up to the end
	string(REGEX REPLACE "^\n" "" to "${to}")
	string(REGEX REPLACE "\n$" "" to "${to}")
	count_of("${broken}" "${from}" times)
	if(NOT times EQUAL 1)
		set(applied false)
	endif()
	string(REPLACE "${from}" "${to}" broken "${broken}")
	string(SUBSTRING "${text}" 9 -1 text)
	string(FIND "${text}" "--- from\n" at)
endwhile()
if(broken STREQUAL whole)
	set(applied false)
endif()
if(NOT applied)
	set(broken "${whole}")
endif()
file(WRITE "${OUT}/mutated.c" "${broken}")
file(WRITE "${OUT}/mutation.c" "#include <stdbool.h>
extern const char *const mutation;
extern const bool mutation_is_applied;
const char *const mutation = \"${says}\";
const bool mutation_is_applied = ${applied};
")
