#!/bin/bash
# For containers: `ready.sh 9082` exits 0 where the process with this admin port takes calls. Not in Node, whose start costs
# more than an idle service does between two such questions.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
read -r -t 3 _ status _ <&3
[ "$status" = 200 ]
