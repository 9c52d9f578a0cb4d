"""What serves a page or a class: figures, claims, exercises, studies, editions and grading.

The mathematics stands beside this room, in `lessons_lib`, and imports nothing from it.

============ =====================================================================================
module       what it is for
============ =====================================================================================
`plotting`   figures in the book's style
`widgets`    figures that move, in a kernel and on a page without one
`report`     numbers for the sentences of a page; versions and wall time, its last cell
`checks`     claims of a lesson, and one judge for each lab
`studies`    the comparison tables that chapters read, and what measured them
`notebooks`  lessons run in fresh kernels, kept quiet, and told for an editor with a kernel
`assign`     editions of the labs for students and teachers, and grading
============ =====================================================================================
"""
