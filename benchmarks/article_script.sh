#!/bin/bash
# What an administrator types who has only the article: a container, the package, the latest
# backup restored in every org, the name switched, the exports imported by one statement.
# Everything comes by environment (the TSIG key too, so that it is in no argv).
set -euo pipefail
[ -z "${TRACE:-}" ] || set -x
config=/etc/velociraptor/server.config.yaml
binary=/usr/local/bin/velociraptor

on() { docker exec "$NAME" "$@"; }
query() { on "$binary" --api_config /tmp/api.yaml query --format jsonl "$@"; }

label_args=()
for label in $LABELS; do label_args+=(--label "$label"); done
docker run -d --name "$NAME" "${label_args[@]}" --network "$NETWORK" --dns "$RESOLVER" \
    --cap-add SYS_ADMIN --cgroupns=private --tmpfs /run --tmpfs /run/lock "$IMAGE" /sbin/init >/dev/null
until on systemctl list-units >/dev/null 2>&1; do sleep 0.1; done
if [ "${ONLY_MACHINE:-}" = 1 ]; then exit 0; fi

docker cp "$PACKAGE" "$NAME:/root/server.deb" >/dev/null
# The install script starts the service; a user has to be there before that, or the running
# server doesn't see it: so it is stopped, given a user, and started again.
on dpkg -i /root/server.deb >/dev/null 2>&1
on systemctl stop velociraptor_server
on runuser -u velociraptor -- "$binary" --config "$config" \
    config api_client --name admin --role administrator /tmp/api.yaml >/dev/null 2>&1
on systemctl start velociraptor_server
until query 'SELECT 1 AS A FROM scope()' 2>/dev/null | grep -q A; do sleep 0.1; done

restore_in() { # ORG FOLDER
    on install -d -o velociraptor -g velociraptor "$2"
    docker cp "$BACKUP" "$NAME:$2/latest.zip" >/dev/null
    on chmod 644 "$2/latest.zip"
    query --org "$1" 'SELECT * FROM backup_restore(name="latest")' >/dev/null
}
restore_in root "$DATASTORE/backups"
for org in $ORGS; do
    query "SELECT org_create(name=\"$org\", org_id=\"$org\"), user_grant(
        user='admin', roles=['administrator', 'api'], orgs='$org') FROM scope()" >/dev/null
    restore_in "$org" "$DATASTORE/orgs/$org/backups"
done

address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$NAME")
printf 'server %s\nzone %s.\nkey %s\nupdate delete %s. A\nupdate add %s. 1 A %s\nsend\n' \
    "$RESOLVER" "$ZONE" "$KEY" "$HOST" "$HOST" "$address" | docker exec -i "$DNS" knsupdate >/dev/null

docker cp "$EXPORTS" "$NAME:/srv/exports" >/dev/null
on chmod -R a+rX /srv/exports
query 'SELECT OSPath, import_collection(filename=OSPath) AS R FROM glob(globs="*.zip", root="/srv/exports")' >/dev/null
