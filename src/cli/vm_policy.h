/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KVT_CLI_VM_POLICY_H
#define KVT_CLI_VM_POLICY_H

/** kvt_vm_policy_main() - kvmtime vm policy; argv[0] = "policy"; returns the exit status */
int kvt_vm_policy_main(int argc, char **argv);

#endif
