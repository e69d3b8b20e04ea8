#!/bin/sh
route() {
  case $1 in
    /health) echo ok ;;
    *) echo 'not found' ;;
  esac
}
