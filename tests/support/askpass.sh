#!/bin/sh
# Stands in for the person: notes the question, and answers it from the files "N.question" (a pattern) and "N.answer".
printf '%s\n' "$1" >>"$CLAVIGER_TEST_PERSON/asked"
for pattern in "$CLAVIGER_TEST_PERSON"/*.question; do
    case $1 in
        *"$(cat "$pattern")"*)
            cat "${pattern%.question}.answer"
            exit 0
            ;;
    esac
done
exit 1
