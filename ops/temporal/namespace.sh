#!/bin/sh
# Makes stopline's namespace, or brings its retention to what is asked for. Running it again
# changes nothing.
set -eu
: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}" "${RETENTION:?}"

attempts=0
until temporal operator cluster health >/dev/null 2>&1; do
    attempts=$((attempts + 1))
    if [ "$attempts" -ge "${ATTEMPTS:-60}" ]; then
        echo "Temporal does not answer at $TEMPORAL_ADDRESS; the namespace was not made" >&2
        exit 1
    fi
    sleep 1
done

# A server that has just made a namespace may say for some seconds more that there is none.
set_up() {
    if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
        temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
    else
        temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" \
            --retention "$RETENTION" --description "stopline: pauses of vendors"
    fi
}

until set_up; do
    attempts=$((attempts + 1))
    if [ "$attempts" -ge "${ATTEMPTS:-60}" ]; then
        echo "the namespace $TEMPORAL_NAMESPACE was not set up" >&2
        exit 1
    fi
    sleep 1
done
echo "the namespace $TEMPORAL_NAMESPACE keeps what is closed for $RETENTION"
