"""Fuzzing of every decoder that takes bytes from outside (benchmarks/notes/fuzzing.md).

`python -m tests.fuzz` runs targets one after another, each in a process of its own (`fuzzer`), where atheris
mutates inputs and keeps those that reach new code. `targets` lists what is fuzzed, `corpus/` what is kept.
"""
