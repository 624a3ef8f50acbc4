// SPDX-License-Identifier: GPL-2.0
/*P:050
 * All that a Guest has besides a CPU and memory stands on one page. It lies
 * just above the top of normal memory, where the kernel would never put
 * anything of its own, and is an array of device descriptors: what kind of
 * device this is, which interrupt it has, what it can do, and where the pages
 * are through which one talks to it. Those come next, above the list.
 *
 * That is our whole bus. Linux likes buses to be in its device model, so this
 * module puts it there. Each descriptor becomes a device below
 * /sys/bus/lguest, its type becomes a name to look for among the drivers, and
 * user space loads the one that fits. How far they have come is written back
 * into the descriptor, where the Launcher can read it. :*/

#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <lguest.h>
#include "bus.h"

#define to_lguest(device) container_of(device, struct lguest_device, dev)
#define to_lguest_driver(d) container_of(d, struct lguest_driver, driver)

/* All are set before the first device is added. */
static const struct lguest_bus_data *guest_code;
static struct lguest_device_desc *list;
static unsigned long list_pfn;
static struct device *root;

/* Those that we added, under list_lock. */
static struct lguest_device *devices[LGUEST_MAX_DEVICES];
static DEFINE_MUTEX(list_lock);

static void free_device(struct device *device)
{
	kfree(to_lguest(device));
}

static void set_status(struct lguest_device *dev, u32 set, u32 clear)
{
	u32 status = (dev->desc->status & ~clear) | set;

	/* Whoever reads this finds what we wrote before it. */
	virt_store_release(&dev->desc->status, status);
}

#define SHOW(field, format)						\
static ssize_t field##_show(struct device *device,			\
			    struct device_attribute *attribute,		\
			    char *text)					\
{									\
	return sysfs_emit(text, format "\n",				\
			  READ_ONCE(to_lguest(device)->desc->field));	\
}									\
static DEVICE_ATTR_RO(field)

SHOW(type, "%u");
SHOW(features, "%#x");
SHOW(accepted, "%#x");
SHOW(status, "%#x");

static struct attribute *lguest_attrs[] = {
	&dev_attr_type.attr,
	&dev_attr_features.attr,
	&dev_attr_accepted.attr,
	&dev_attr_status.attr,
	NULL
};
ATTRIBUTE_GROUPS(lguest);

/*D:080
 * A device of type 2 cries "lguest:type2", and a module that says
 * MODULE_ALIAS("lguest:type2") comes running.
 */
static int match(struct device *device, LG_MATCH_CONST struct device_driver *d)
{
	return to_lguest_driver(d)->type == to_lguest(device)->type;
}

static int cry(LG_EVENT_CONST struct device *device,
	       struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MODALIAS=lguest:type%u",
			      to_lguest(device)->type);
}
/*:*/

static int probe(struct device *device)
{
	struct lguest_device *dev = to_lguest(device);
	struct lguest_driver *driver = to_lguest_driver(device->driver);
	int err = -EINVAL;

	set_status(dev, LGUEST_STATUS_DRIVER, 0);
	if (PHYS_PFN(dev->gpa) > list_pfn && dev->bytes >= driver->bytes)
		dev->pages = memremap(dev->gpa, dev->bytes, MEMREMAP_WB);
	if (dev->pages) {
		dev->features = READ_ONCE(dev->desc->features) &
				driver->features;
		WRITE_ONCE(dev->desc->accepted, dev->features);
		err = driver->probe(dev);
	}
	if (!err) {
		set_status(dev, LGUEST_STATUS_READY, LGUEST_STATUS_FAILED);
	} else {
		if (dev->pages)
			memunmap(dev->pages);
		dev->pages = NULL;
		set_status(dev, LGUEST_STATUS_FAILED, LGUEST_STATUS_DRIVER);
		dev_err(device, "%s fails: %d\n", device->driver->name, err);
	}
	return err;
}

static void part(struct device *device)
{
	struct lguest_device *dev = to_lguest(device);

	to_lguest_driver(device->driver)->remove(dev);
	memunmap(dev->pages);
	dev->pages = NULL;
	set_status(dev, 0, LGUEST_STATUS_DRIVER | LGUEST_STATUS_READY);
}

static struct bus_type lguest_bus = {
	.name = "lguest",
	.match = match,
	.uevent = cry,
	.probe = probe,
	.remove = part,
	.dev_groups = lguest_groups,
};

static struct lguest_device *add_device(struct lguest_device_desc *desc, int i)
{
	struct lguest_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return NULL;
	dev->desc = desc;
	dev->type = desc->type;
	dev->irq = desc->irq;
	dev->gpa = PFN_PHYS(desc->pfn);
	dev->bytes = (u64)desc->pages << PAGE_SHIFT;
	dev->dev.bus = &lguest_bus;
	dev->dev.parent = root;
	dev->dev.release = free_device;
	dev_set_name(&dev->dev, "lguest%d", i);
	set_status(dev, LGUEST_STATUS_SEEN, 0);
	if (!device_register(&dev->dev))
		return dev;
	put_device(&dev->dev);
	return NULL;
}

/*D:070 Once at the start, then whenever the Launcher rings. */
static irqreturn_t look_at_list(int irq, void *unused)
{
	struct lguest_device_desc *desc;
	int i;

	mutex_lock(&list_lock);
	for (i = 0; i < LGUEST_MAX_DEVICES; i++) {
		desc = &list[i];
		/* Pairs with the Launcher's release: it is all there. */
		if (!devices[i] && virt_load_acquire(&desc->type) &&
		    !READ_ONCE(desc->removed))
			devices[i] = add_device(desc, i);
		if (devices[i] && READ_ONCE(desc->removed)) {
			device_unregister(&devices[i]->dev);
			devices[i] = NULL;
		}
	}
	mutex_unlock(&list_lock);
	return IRQ_HANDLED;
}
/*:*/

/*D:060
 * The platform device is where the Guest code left it, or nowhere. The
 * interrupt comes before the first look: who is plugged in between is seen by
 * one of the two.
 */
static int __init find_list(struct platform_device *found)
{
	const struct resource *page;
	int err, irq = platform_get_irq(found, 0);

	guest_code = dev_get_platdata(&found->dev);
	page = platform_get_resource(found, IORESOURCE_MEM, 0);
	if (!page || !guest_code || irq < 0)
		return -EINVAL;
	list = devm_memremap(&found->dev, page->start, PAGE_SIZE, MEMREMAP_WB);
	if (IS_ERR(list))
		return PTR_ERR(list);
	root = &found->dev;
	list_pfn = PHYS_PFN(page->start);
	err = devm_request_threaded_irq(root, irq, NULL, look_at_list,
					IRQF_ONESHOT, "lguest_bus", NULL);
	if (err)
		return err;
	look_at_list(irq, NULL);
	return 0;
}
/*:*/

/*D:090 What a driver can ask for. bus.h says how. */
int lguest_register_driver(struct lguest_driver *driver)
{
	driver->driver.bus = &lguest_bus;
	return driver_register(&driver->driver);
}
EXPORT_SYMBOL_GPL(lguest_register_driver);

void lguest_unregister_driver(struct lguest_driver *driver)
{
	driver_unregister(&driver->driver);
}
EXPORT_SYMBOL_GPL(lguest_unregister_driver);

int lguest_bind_dma(u64 key, u64 ring, unsigned int irq)
{
	return guest_code->hcall(LHCALL_BIND_DMA, key, ring, irq);
}
EXPORT_SYMBOL_GPL(lguest_bind_dma);

int lguest_send_dma(u64 key, u64 dma)
{
	return guest_code->hcall(LHCALL_SEND_DMA, key, dma, 0);
}
EXPORT_SYMBOL_GPL(lguest_send_dma);
/*:*/

static struct platform_driver finder = {
	.driver.name = "lguest_bus",
};

static int __init lguest_bus_init(void)
{
	int err = bus_register(&lguest_bus);

	if (err)
		return err;
	err = platform_driver_probe(&finder, find_list);
	if (err)
		bus_unregister(&lguest_bus);
	return err;
}
module_init(lguest_bus_init);

MODULE_ALIAS("platform:lguest_bus");
MODULE_DESCRIPTION("the bus of lguest's Guests");
MODULE_LICENSE("GPL");
