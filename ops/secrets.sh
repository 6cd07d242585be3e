#!/bin/sh
# Makes the folder of secrets that docker-compose.yml mounts. What is there is left as it is.
# The folder is its owner's alone; the files in it are readable, since each container reads the few
# that it is given as a user of its own.
set -eu
umask 077
folder="${1:-secrets}"
mkdir -p "$folder"
chmod 0700 "$folder"
for name in postgres_password temporal_password journal_password; do
    if [ ! -s "$folder/$name" ]; then
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$name"
        echo "made $folder/$name"
    fi
done
if [ ! -s "$folder/journal_key" ]; then
    # 32 bytes in URL-safe base64. Whoever loses it has nothing but recovery sheets to go by.
    head -c 32 /dev/urandom | base64 | tr '+/' '-_' >"$folder/journal_key"
    echo "made $folder/journal_key: keep a copy of it elsewhere"
fi
for name in aws_credentials aws_config; do
    if [ ! -e "$folder/$name" ]; then
        : >"$folder/$name"
        echo "made $folder/$name, empty: the worker's own, and nobody else's, belongs in it"
    fi
done
chmod 0644 "$folder"/*
