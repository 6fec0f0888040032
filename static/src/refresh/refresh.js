import { Component, onWillUnmount } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SECONDS = 3;

/** Reloads a form while it is shown: for records that a background job works on. */
export class Refresh extends Component {
    static template = "telecom_billing.Refresh";
    static props = { ...standardWidgetProps };

    setup() {
        const timer = setInterval(() => this.reload(), SECONDS * 1000);
        onWillUnmount(() => clearInterval(timer));
    }

    async reload() {
        const root = this.props.record.model.root;
        if (!document.hidden && root.resId && !(await root.isDirty())) {
            await root.load();
        }
    }
}

registry.category("view_widgets").add("telecom_refresh", { component: Refresh });
