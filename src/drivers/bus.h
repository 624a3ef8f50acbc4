/* SPDX-License-Identifier: GPL-2.0 */
/* lguest's bus, for those who write drivers for it. */
#ifndef _LGUEST_DRIVERS_BUS_H
#define _LGUEST_DRIVERS_BUS_H

#include <linux/device.h>
#include <kernels.h>
#include <lguest_bus.h>

/* The platform data of the device "lguest_bus". */
struct lguest_bus_data {
	/* Context: any. Answers what include/lguest.h says. */
	unsigned long (*hcall)(unsigned long number, unsigned long arg1,
			       unsigned long arg2, unsigned long arg3);
};

struct lguest_device {
	struct device dev;
	struct lguest_device_desc *desc;	/* on the list, for `removed` */
	u16 type;		/* these were copied from there */
	u16 irq;
	u64 gpa;		/* of the first page */
	u64 bytes;		/* whole pages */
	/* While a driver has it: */
	u32 features;		/* those that both sides know */
	void *pages;		/* mapped */
};

struct lguest_driver {
	struct device_driver driver;	/* .name and .owner are yours */
	u16 type;		/* LGUEST_DEVICE_* */
	u32 features;		/* that you understand */
	u64 bytes;		/* a device has as many, or it is refused */
	/* Context: may sleep. Returns 0 or an error. */
	int (*probe)(struct lguest_device *dev);
	/* Context: may sleep. desc->removed: nobody answers any more. */
	void (*remove)(struct lguest_device *dev);
};

/* Context: may sleep. Returns 0 or an error. */
int lguest_register_driver(struct lguest_driver *driver);
void lguest_unregister_driver(struct lguest_driver *driver);

/*
 * What is sent to @key (a gpa) goes into @ring (a gpa), and then @irq comes. A
 * ring of 0 ends it. Returns 0, -EBUSY (somebody listens there) or -ENOSPC.
 * Nonsense kills the Guest. Context: any. Ring and buffers were touched before.
 */
int lguest_bind_dma(u64 key, u64 ring, unsigned int irq);

/*
 * Sends the struct lguest_dma at @dma (a gpa) to @key; it is done when this
 * returns. A dma of 0 only rings. Returns the bytes that arrived, -ENOTCONN
 * (nobody listens there), -EAGAIN (no room now) or -EMSGSIZE. Context: any.
 */
int lguest_send_dma(u64 key, u64 dma);

#define module_lguest_driver(driver) \
	module_driver(driver, lguest_register_driver, \
		      lguest_unregister_driver)
#endif /* _LGUEST_DRIVERS_BUS_H */
