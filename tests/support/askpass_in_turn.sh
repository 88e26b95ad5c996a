#!/bin/sh
# Stands in for the person: notes each question as one line of "askpass.asked" in CLAVIGER_TEST_HOME, and answers with
# the line of the same number in "askpass.answers"; CANCEL is a person who closes the window.
cd "$CLAVIGER_TEST_HOME" || exit 2
printf '%s' "$1" | tr '\n' ' ' >>askpass.asked
echo >>askpass.asked
answer=$(sed -n "$(wc -l <askpass.asked)p" askpass.answers)
[ "$answer" = CANCEL ] && exit 1
printf '%s\n' "$answer"
